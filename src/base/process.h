#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"

namespace nimbus {

enum class ProcessStream { kOutput, kError };

// A program to run. No shell is involved: arguments are passed as they are. None of these texts may
// have a zero byte (kInvalidArgument), but for the input.
struct ProcessSpec {
  std::vector<std::string> arguments =
      {};                   // [0] is the program: a path, or a name looked up in PATH
  std::string folder = {};  // working folder; empty: the caller's
  std::vector<std::pair<std::string, std::string>> environment =
      {};  // set on top of what is inherited
  bool inherit_environment = true;
  std::string input = {};  // standard input; the program sees its end after it

  // Receives output as it comes, on the thread that called `run`. Without one it is captured into
  // the outcome, at most `max_output_bytes` per stream; a program that writes more is ended.
  std::function<void(ProcessStream, std::string_view chunk)> sink = {};
  std::size_t max_output_bytes = std::size_t{16} << 20;

  std::optional<Duration> timeout = {};  // wall time; none: as long as it takes
  std::stop_token stop = {};             // a request ends the program
};

struct ProcessOutcome {
  int exit_status = 0;  // 128 + signal if a signal ended it, as shells report it
  std::string output;   // empty where a sink was given
  std::string error;

  [[nodiscard]] bool ok() const { return exit_status == 0; }
};

// A program that goes on in the background; destroying the handle ends it and its children.
class BackgroundProcess {
 public:
  virtual ~BackgroundProcess() = default;
  [[nodiscard]] virtual int pid() const = 0;
};

// Starts programs. Everything that spawns takes one of these, so that tests can pass a fake.
class ProcessRunner {
 public:
  virtual ~ProcessRunner() = default;

  // Runs a program to its end; blocks the calling thread. A program ends with its whole process
  // group: SIGTERM, then SIGKILL after two seconds. kNotFound: no such program; kPermissionDenied;
  // kDeadlineExceeded; kCancelled: `stop`; kResourceExhausted: too much output. A status other than
  // 0 is an outcome, not an error.
  [[nodiscard]] virtual Result<ProcessOutcome> run(const ProcessSpec& spec) = 0;

  // Starts a program that outlives the call; its output goes to the caller's standard error.
  // `sink`, `timeout`, `input` and `stop` of the spec are not used.
  [[nodiscard]] virtual Result<std::unique_ptr<BackgroundProcess>> start(
      const ProcessSpec& spec) = 0;
};

// Starts real processes. Any thread.
class SystemProcessRunner final : public ProcessRunner {
 public:
  [[nodiscard]] Result<ProcessOutcome> run(const ProcessSpec& spec) override;
  [[nodiscard]] Result<std::unique_ptr<BackgroundProcess>> start(const ProcessSpec& spec) override;
};

// The absolute path of `program` as a lookup in the PATH of `path_variable` finds it, links kept;
// kNotFound otherwise. A name with a slash is taken as a path.
[[nodiscard]] Result<std::string> findProgram(std::string_view program,
                                              std::string_view path_variable);

}  // namespace nimbus
