#include "base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <map>

#include <sys/eventfd.h>

#include "base/running_programs.h"

extern char** environ;

namespace nimbus {
namespace {

constexpr Duration kGrace = std::chrono::seconds(2);

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }
  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_ = -1;
};

struct Pipe {
  Descriptor read;
  Descriptor write;

  [[nodiscard]] static Result<Pipe> make() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return failErrno("cannot make a pipe", errno);
    return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  }
};

std::vector<std::string> environmentOf(const ProcessSpec& spec) {
  std::map<std::string, std::string> variables;
  const auto add = [&](std::string_view entry) {
    const std::size_t split = entry.find('=');
    if (split == std::string_view::npos || split == 0) return;
    variables[std::string(entry.substr(0, split))] = entry.substr(split + 1);
  };
  if (spec.inherit_environment) {
    for (char** entry = environ; *entry != nullptr; ++entry) add(*entry);
  }
  for (const auto& [name, value] : spec.environment) variables[name] = value;
  std::vector<std::string> entries;
  for (const auto& [name, value] : variables) entries.push_back(name + "=" + value);
  return entries;
}

std::vector<char*> pointers(std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (std::string& text : strings) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// The set-up of a child: its descriptors, its folder, a process group of its own, and default
// signals, whatever this process blocks or ignores.
class SpawnSetup {
 public:
  SpawnSetup() {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawnattr_init(&attributes_);
    sigset_t none;
    sigset_t all;
    ::sigemptyset(&none);
    ::sigfillset(&all);
    ::posix_spawnattr_setsigmask(&attributes_, &none);
    ::posix_spawnattr_setsigdefault(&attributes_, &all);
    ::posix_spawnattr_setpgroup(&attributes_, 0);
    ::posix_spawnattr_setflags(
        &attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    ::posix_spawn_file_actions_destroy(&actions_);
    ::posix_spawnattr_destroy(&attributes_);
  }

  void connect(int from, int to) { ::posix_spawn_file_actions_adddup2(&actions_, from, to); }
  void openNull(int to, int flags) {
    ::posix_spawn_file_actions_addopen(&actions_, to, "/dev/null", flags, 0);
  }

  [[nodiscard]] Result<pid_t> spawn(const ProcessSpec& spec, const std::string& program) {
    if (!spec.folder.empty()) {
      ::posix_spawn_file_actions_addchdir_np(&actions_, spec.folder.c_str());
    }
    std::vector<std::string> arguments = spec.arguments;
    std::vector<std::string> environment = environmentOf(spec);
    const ProgramStart start;
    if (start.refused()) return fail(ErrorCode::kCancelled, program + " was stopped");
    pid_t pid = -1;
    const int failed = ::posix_spawn(&pid, program.c_str(), &actions_, &attributes_,
                                     pointers(arguments).data(), pointers(environment).data());
    if (failed == 0) {
      start.note(pid);
      return pid;
    }
    const std::string what = "cannot run " + program;
    if (failed == ENOENT) return fail(ErrorCode::kNotFound, what + ": " + std::strerror(failed));
    if (failed == EACCES) {
      return fail(ErrorCode::kPermissionDenied, what + ": " + std::strerror(failed));
    }
    return failErrno(what, failed);
  }

 private:
  posix_spawn_file_actions_t actions_{};
  posix_spawnattr_t attributes_{};
};

std::string pathVariableOf(const ProcessSpec& spec) {
  for (const auto& [name, value] : spec.environment) {
    if (name == "PATH") return value;
  }
  const char* inherited = std::getenv("PATH");
  return inherited == nullptr ? "/usr/local/bin:/usr/bin:/bin" : inherited;
}

// The system would take what stands before a zero byte for the whole.
bool isCutShort(const ProcessSpec& spec) {
  const auto has_zero = [](std::string_view text) {
    return text.find('\0') != std::string_view::npos;
  };
  return has_zero(spec.folder) || std::ranges::any_of(spec.arguments, has_zero) ||
         std::ranges::any_of(spec.environment, [&](const auto& variable) {
           return has_zero(variable.first) || has_zero(variable.second);
         });
}

Result<std::string> programOf(const ProcessSpec& spec) {
  if (spec.arguments.empty()) return fail(ErrorCode::kInvalidArgument, "no program to run");
  if (isCutShort(spec))
    return fail(ErrorCode::kInvalidArgument, "a program cannot be given a text with a zero byte");
  return findProgram(spec.arguments.front(), pathVariableOf(spec));
}

void signalGroup(pid_t pid, int signal) {
  if (::kill(-pid, signal) != 0) ::kill(pid, signal);
}

// Ends a child that has not been waited for, and its group. Blocks at most the grace time twice.
void endGroup(pid_t pid) {
  signalGroup(pid, SIGTERM);
  const auto until = std::chrono::steady_clock::now() + kGrace;
  const Descriptor handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd ended{handle.get(), POLLIN, 0};
  while (std::chrono::steady_clock::now() < until) {
    if (::poll(&ended, 1, 50) > 0) break;
  }
  signalGroup(pid, SIGKILL);  // what is left of the group
  forgetProgram(pid);
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

int statusOf(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

// One run: moves bytes between the child's descriptors and the spec until the child has ended and
// its output is read.
class Run {
 public:
  explicit Run(const ProcessSpec& spec) : spec_(spec) {}
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  ~Run() {
    if (pid_ > 0) endGroup(pid_);
  }

  [[nodiscard]] Result<ProcessOutcome> perform() {
    if (const auto started = start(); !started) return std::unexpected(started.error());
    const std::stop_callback wake(spec_.stop, [this] {
      const std::uint64_t one = 1;
      [[maybe_unused]] const auto written = ::write(stopped_.get(), &one, sizeof one);
    });
    if (const auto done = pump(); !done) return std::unexpected(done.error());
    return std::move(outcome_);
  }

 private:
  [[nodiscard]] Result<void> start() {
    const auto program = programOf(spec_);
    if (!program) return std::unexpected(program.error());
    auto input = Pipe::make();
    auto output = Pipe::make();
    auto error = Pipe::make();
    stopped_ = Descriptor(::eventfd(0, EFD_CLOEXEC));
    if (!input || !output || !error || stopped_.get() < 0) {
      return failErrno("cannot run " + *program, errno);
    }
    SpawnSetup setup;
    setup.connect(input->read.get(), STDIN_FILENO);
    setup.connect(output->write.get(), STDOUT_FILENO);
    setup.connect(error->write.get(), STDERR_FILENO);
    const auto pid = setup.spawn(spec_, *program);
    if (!pid) return std::unexpected(pid.error());
    pid_ = *pid;
    ended_ = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    if (ended_.get() < 0) return failErrno("cannot watch " + *program, errno);
    input_ = std::move(input->write);
    ::fcntl(input_.get(), F_SETFL, O_NONBLOCK);
    if (spec_.input.empty()) input_.close();
    output_ = std::move(output->read);
    error_ = std::move(error->read);
    if (spec_.timeout) deadline_ = std::chrono::steady_clock::now() + *spec_.timeout;
    return {};
  }

  [[nodiscard]] int waitMilliseconds() const {
    if (!deadline_) return -1;
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(*deadline_ - std::chrono::steady_clock::now());
    return static_cast<int>(std::clamp<long long>(left.count(), 0, INT_MAX));
  }

  // Ends when the child has; output that its own children still hold open is not waited for.
  [[nodiscard]] Result<void> pump() {
    while (true) {
      std::array<pollfd, 5> waits{{{stopped_.get(), POLLIN, 0},
                                   {ended_.get(), POLLIN, 0},
                                   {output_.get(), POLLIN, 0},
                                   {error_.get(), POLLIN, 0},
                                   {input_.get(), POLLOUT, 0}}};
      const int ready = ::poll(waits.data(), waits.size(), waitMilliseconds());
      if (ready < 0 && errno != EINTR) return failErrno("cannot wait for a program", errno);
      if (ready == 0) return fail(ErrorCode::kDeadlineExceeded, name() + " took too long");
      if (ready < 0) continue;
      if (waits[0].revents != 0) return fail(ErrorCode::kCancelled, name() + " was stopped");
      if (waits[4].revents != 0) writeInput();
      const bool any = waits[2].revents != 0 || waits[3].revents != 0;
      if (waits[2].revents != 0) {
        if (const auto read = take(output_, ProcessStream::kOutput, outcome_.output); !read) {
          return read;
        }
      }
      if (waits[3].revents != 0) {
        if (const auto read = take(error_, ProcessStream::kError, outcome_.error); !read) {
          return read;
        }
      }
      if (!any && waits[1].revents != 0) return reap();
    }
  }

  void writeInput() {
    const auto written =
        ::write(input_.get(), spec_.input.data() + input_at_, spec_.input.size() - input_at_);
    if (written < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (written > 0) input_at_ += static_cast<std::size_t>(written);
    if (written <= 0 || input_at_ == spec_.input.size()) input_.close();
  }

  [[nodiscard]] Result<void> take(Descriptor& from, ProcessStream stream, std::string& into) {
    std::array<char, 16384> buffer;
    const auto size = ::read(from.get(), buffer.data(), buffer.size());
    if (size < 0 && errno == EINTR) return {};
    if (size <= 0) {
      from.close();
      return {};
    }
    const std::string_view chunk(buffer.data(), static_cast<std::size_t>(size));
    if (spec_.sink) {
      spec_.sink(stream, chunk);
      return {};
    }
    if (into.size() + chunk.size() > spec_.max_output_bytes) {
      return fail(ErrorCode::kResourceExhausted,
                  name() + " wrote more than " + std::to_string(spec_.max_output_bytes) + " bytes");
    }
    into += chunk;
    return {};
  }

  [[nodiscard]] Result<void> reap() {
    int status = 0;
    ::kill(-pid_, SIGTERM);  // children that it left behind
    forgetProgram(pid_);
    while (::waitpid(pid_, &status, 0) < 0) {
      if (errno != EINTR) return failErrno("cannot wait for " + name(), errno);
    }
    pid_ = -1;
    outcome_.exit_status = statusOf(status);
    return {};
  }

  [[nodiscard]] const std::string& name() const { return spec_.arguments.front(); }

  const ProcessSpec& spec_;
  ProcessOutcome outcome_;
  pid_t pid_ = -1;
  Descriptor stopped_;
  Descriptor ended_;
  Descriptor input_;
  Descriptor output_;
  Descriptor error_;
  std::size_t input_at_ = 0;
  std::optional<TimePoint> deadline_;
};

class SystemBackgroundProcess final : public BackgroundProcess {
 public:
  explicit SystemBackgroundProcess(pid_t pid) : pid_(pid) {}
  SystemBackgroundProcess(const SystemBackgroundProcess&) = delete;
  SystemBackgroundProcess& operator=(const SystemBackgroundProcess&) = delete;
  ~SystemBackgroundProcess() override { endGroup(pid_); }
  [[nodiscard]] int pid() const override { return pid_; }

 private:
  const pid_t pid_;
};

}  // namespace

Result<ProcessOutcome> SystemProcessRunner::run(const ProcessSpec& spec) {
  return Run(spec).perform();
}

Result<std::unique_ptr<BackgroundProcess>> SystemProcessRunner::start(const ProcessSpec& spec) {
  TRY(const std::string program, programOf(spec));
  SpawnSetup setup;
  setup.openNull(STDIN_FILENO, O_RDONLY);
  setup.connect(STDERR_FILENO, STDOUT_FILENO);
  TRY(const pid_t pid, setup.spawn(spec, program));
  return std::make_unique<SystemBackgroundProcess>(pid);
}

Result<std::string> findProgram(std::string_view program, std::string_view path_variable) {
  const auto runnable = [](const std::string& path) { return ::access(path.c_str(), X_OK) == 0; };
  if (program.find('/') != std::string_view::npos) {
    std::string path(program);
    if (runnable(path)) return path;
    return fail(ErrorCode::kNotFound, "there is no program " + path);
  }
  while (!program.empty() && !path_variable.empty()) {
    const std::size_t end = std::min(path_variable.find(':'), path_variable.size());
    const std::string_view folder = path_variable.substr(0, end);
    path_variable.remove_prefix(std::min(end + 1, path_variable.size()));
    if (!folder.starts_with('/')) continue;  // never the working folder
    std::string path = std::string(folder) + "/" + std::string(program);
    if (runnable(path)) return path;
  }
  return fail(ErrorCode::kNotFound, "there is no program " + std::string(program) + " on PATH");
}

}  // namespace nimbus
