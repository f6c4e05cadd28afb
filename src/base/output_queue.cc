#include "base/output_queue.h"

#include <limits.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "base/output_target.h"

namespace nimbus {
namespace {

// For the thread to see that it shall end, once nothing is to be flushed any more.
constexpr Duration kStopBound = std::chrono::milliseconds(500);
// What has left goes from memory when it is so much, and most of what is there.
constexpr std::size_t kLeastReclaimed = 64 * 1024;

std::uint64_t linesIn(std::string_view text) {
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::ranges::count(text, '\n')));
}

// Whole lines that a pipe takes whole, or the first one.
std::string_view nextPiece(std::string_view waiting) {
  if (waiting.size() <= PIPE_BUF) return waiting;
  std::size_t end = waiting.rfind('\n', PIPE_BUF - 1);
  if (end == std::string_view::npos) end = waiting.find('\n');
  return waiting.substr(0, end == std::string_view::npos ? end : end + 1);
}

// Signals are for the threads that ask for them.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_;
};

}  // namespace

class OutputQueue::Work {
 public:
  Work(int descriptor, Options options) : options_(std::move(options)), target_(descriptor) {}
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  ~Work() {
    if (wake_ >= 0) ::close(wake_);
  }

  // `worth` without a value: as many as there are lines.
  static int take(const std::shared_ptr<Work>& work, std::string_view& lines,
                  std::optional<std::uint64_t> worth);
  static bool flush(const std::shared_ptr<Work>& work, Duration bound);
  void end();
  [[nodiscard]] Duration endBound() const { return options_.end_bound; }

 private:
  static void startThread(const std::shared_ptr<Work>& work);
  void run();

  // All of these with the lock held.
  [[nodiscard]] bool idle() const { return waitingBytes() == 0 && lost_ == 0; }
  [[nodiscard]] std::size_t waitingBytes() const { return waiting_.size() - left_; }
  [[nodiscard]] bool fits(std::string_view lines) const {
    const std::size_t most = lost_ == 0 ? options_.most_bytes : options_.most_bytes / 2;
    return waitingBytes() + lines.size() <= most;
  }
  void tellLost() {
    const std::uint64_t lost = std::exchange(lost_, 0);
    if (lost == 0 || !options_.about_lost) return;
    if (waitingBytes() > 0 && waiting_.back() != '\n') waiting_ += '\n';
    waiting_ += options_.about_lost(lost);
  }
  OutputTarget::Outcome writeAtOnce(std::string_view& lines);
  void writeNext(std::unique_lock<std::mutex>& lock);
  void drop(std::size_t bytes);

  const Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  OutputTarget target_;  // used by the thread while something waits, by callers otherwise
  std::string waiting_;
  std::size_t left_ = 0;  // bytes at the front of it that have left
  std::uint64_t lost_ = 0;
  int wake_ = -1;
  std::thread thread_;
  bool stopping_ = false;
  bool ended_ = false;
};

int OutputQueue::Work::take(const std::shared_ptr<Work>& work, std::string_view& lines,
                            std::optional<std::uint64_t> worth) {
  const std::lock_guard lock(work->mutex_);
  bool begun = false;
  if (work->idle()) {
    const std::size_t size = lines.size();
    const OutputTarget::Outcome outcome = work->writeAtOnce(lines);
    if (outcome == OutputTarget::Outcome::kFailed) return errno;
    if (outcome == OutputTarget::Outcome::kWritten) return 0;
    begun = lines.size() < size;
  }
  if (!begun && !work->fits(lines)) {
    work->lost_ += worth ? *worth : linesIn(lines);
  } else {
    work->tellLost();
    work->waiting_ += lines;
  }
  lines = {};
  startThread(work);
  work->changed_.notify_all();
  return 0;
}

// Takes what it has written from the front of `lines`.
OutputTarget::Outcome OutputQueue::Work::writeAtOnce(std::string_view& lines) {
  if (!target_.mayTear()) return target_.writeAtOnce(lines);
  while (!lines.empty()) {
    std::string_view piece = nextPiece(lines);
    const std::size_t size = piece.size();
    const OutputTarget::Outcome outcome = target_.writeAtOnce(piece);
    lines.remove_prefix(size - piece.size());
    if (outcome != OutputTarget::Outcome::kWritten) return outcome;
  }
  return OutputTarget::Outcome::kWritten;
}

bool OutputQueue::Work::flush(const std::shared_ptr<Work>& work, Duration bound) {
  std::unique_lock lock(work->mutex_);
  if (work->idle()) return true;
  if (!work->stopping_) startThread(work);
  work->changed_.wait_for(lock, bound, [&] { return work->idle() || work->stopping_; });
  return work->idle();
}

// If there can be no thread now, the next line tries again.
void OutputQueue::Work::startThread(const std::shared_ptr<Work>& work) {
  if (work->thread_.joinable()) return;
  if (work->wake_ < 0) work->wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (work->wake_ < 0) return;
  const SignalsBlocked blocked;
  try {
    work->thread_ = std::thread([work] { work->run(); });
  } catch (const std::system_error&) {
    return;
  }
}

void OutputQueue::Work::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !idle() || stopping_; });
    if (stopping_) break;
    if (waitingBytes() == 0) tellLost();
    writeNext(lock);
  }
  ended_ = true;
  changed_.notify_all();
}

void OutputQueue::Work::writeNext(std::unique_lock<std::mutex>& lock) {
  const std::string piece(nextPiece(std::string_view(waiting_).substr(left_)));
  lock.unlock();
  std::string_view rest = piece;
  const OutputTarget::Outcome outcome = target_.writeWaiting(rest, wake_);
  lock.lock();
  drop(outcome == OutputTarget::Outcome::kFailed ? piece.size() : piece.size() - rest.size());
  if (idle()) changed_.notify_all();
}

void OutputQueue::Work::drop(std::size_t bytes) {
  left_ += bytes;
  if (waitingBytes() == 0) {
    waiting_ = std::string();
  } else if (left_ >= kLeastReclaimed && left_ >= waiting_.size() / 2) {
    waiting_.erase(0, left_);
  } else {
    return;
  }
  left_ = 0;
}

void OutputQueue::Work::end() {
  std::unique_lock lock(mutex_);
  if (!thread_.joinable()) return;
  stopping_ = true;
  changed_.notify_all();
  static_cast<void>(::eventfd_write(wake_, 1));
  // A thread that another writer has outrun may wait in a pipe's write.
  const bool ended = changed_.wait_for(lock, kStopBound, [this] { return ended_; });
  lock.unlock();
  if (ended) {
    thread_.join();
  } else {
    thread_.detach();
  }
}

// The work of all queues of the process.
class OutputQueue::All {
 public:
  static All& get() {
    static All& all = *new All;  // for queues that go after everything else
    return all;
  }
  void add(const std::shared_ptr<Work>& work) {
    const std::lock_guard lock(mutex_);
    std::erase_if(works_, [](const std::weak_ptr<Work>& known) { return known.expired(); });
    works_.push_back(work);
  }
  std::vector<std::shared_ptr<Work>> alive() {
    const std::lock_guard lock(mutex_);
    std::vector<std::shared_ptr<Work>> alive;
    for (const std::weak_ptr<Work>& known : works_)
      if (auto work = known.lock()) alive.push_back(std::move(work));
    return alive;
  }

 private:
  std::mutex mutex_;
  std::vector<std::weak_ptr<Work>> works_;
};

OutputQueue::OutputQueue(int descriptor, Options options)
    : work_(std::make_shared<Work>(descriptor, std::move(options))) {
  All::get().add(work_);
}

OutputQueue::~OutputQueue() {
  flush(work_->endBound());
  work_->end();
}

int OutputQueue::write(std::string_view lines) { return Work::take(work_, lines, std::nullopt); }

int OutputQueue::take(std::string_view& lines, std::uint64_t worth) {
  return Work::take(work_, lines, worth);
}

bool OutputQueue::flush(Duration bound) { return Work::flush(work_, bound); }

void OutputQueue::flushAll(Duration bound) {
  const TimePoint end = std::chrono::steady_clock::now() + bound;
  for (const std::shared_ptr<Work>& work : All::get().alive())
    Work::flush(work, std::max<Duration>(end - std::chrono::steady_clock::now(), Duration::zero()));
}

}  // namespace nimbus
