#include "http/access_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <thread>
#include <utility>

#include "base/escape.h"
#include "base/output_queue.h"

namespace nimbus::http {
namespace {

constexpr std::chrono::seconds kLongestDelay{1};
constexpr std::size_t kFlushBytes = 64 * 1024;
constexpr std::size_t kMaxBufferedBytes = 4 * 1024 * 1024;  // of one shard
constexpr std::size_t kBuffers = 32;
// For standard output, beyond the buffers: any of those fits.
constexpr std::size_t kMostWaitingBytes = 2 * kMaxBufferedBytes;

constexpr const char* kStandardOutput = "-";

std::string droppedLine(LogFormat format, std::uint64_t count) {
  return format == LogFormat::kJson ? fmt::format("{{\"dropped_records\":{}}}\n", count)
                                    : fmt::format("# {} records dropped\n", count);
}

// Whether writing may wait for somebody who reads.
bool hasReader(int descriptor) {
  struct stat status{};
  return (::fstat(descriptor, &status) == 0 && S_ISFIFO(status.st_mode)) ||
         ::isatty(descriptor) == 1;
}

// An open file, or standard output, a pipe or a terminal, whose reader may be slow or gone.
class LogFile {
 public:
  static Result<LogFile> open(const std::string& path, LogFormat format) {
    if (path == kStandardOutput) return LogFile(-1, queueTo(STDOUT_FILENO, format));
    // Not blocking: a pipe may have no reader.
    const int fd =
        ::open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0640);
    if (fd < 0 && errno == ENXIO)
      return fail(ErrorCode::kIo,
                  "cannot open the access log " + path + ": nobody reads this pipe");
    if (fd < 0) return failErrno("cannot open the access log " + path, errno);
    return LogFile(fd, hasReader(fd) ? queueTo(fd, format) : nullptr);
  }
  LogFile(LogFile&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), queue_(std::move(other.queue_)) {}
  LogFile& operator=(LogFile&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(queue_, other.queue_);
    return *this;
  }
  ~LogFile() {
    queue_.reset();
    if (fd_ >= 0) ::close(fd_);
  }

  // Takes what it has written from the front of `text`. Nobody tells the caller if a reader is too
  // slow for it: then the queue counts `records` as dropped.
  Result<void> write(std::string_view& text, std::uint64_t records) const {
    if (queue_) return enqueue(text, records);
    while (!text.empty()) {
      const ssize_t count = ::write(fd_, text.data(), text.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return failErrno("cannot write the access log", errno);
      text.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
  }

  void flush() const {
    if (queue_) queue_->flush(OutputQueue::kEndBound);
  }

 private:
  LogFile(int fd, std::unique_ptr<OutputQueue> queue) : fd_(fd), queue_(std::move(queue)) {}

  static std::unique_ptr<OutputQueue> queueTo(int descriptor, LogFormat format) {
    const auto about_lost = [format](std::uint64_t lost) { return droppedLine(format, lost); };
    return std::make_unique<OutputQueue>(
        descriptor,
        OutputQueue::Options{.most_bytes = kMostWaitingBytes, .about_lost = about_lost});
  }

  Result<void> enqueue(std::string_view& text, std::uint64_t records) const {
    if (const int refused = queue_->take(text, records); refused != 0)
      return failErrno("cannot write the access log", refused);
    return {};
  }

  int fd_;                              // -1: standard output's
  std::unique_ptr<OutputQueue> queue_;  // null: a file
};

// Wall time in the form of the log, rendered once per second.
class Stamp {
 public:
  explicit Stamp(LogFormat format) : format_(format) {}
  std::string_view now() {
    const std::time_t second = std::time(nullptr);
    if (second != second_) {
      std::tm parts{};
      gmtime_r(&second, &parts);
      const char* form =
          format_ == LogFormat::kJson ? "%Y-%m-%dT%H:%M:%SZ" : "%d/%b/%Y:%H:%M:%S +0000";
      size_ = std::strftime(text_, sizeof(text_), form, &parts);
      second_ = second;
    }
    return {text_, size_};
  }

 private:
  LogFormat format_;
  std::time_t second_ = -1;
  char text_[40];
  std::size_t size_ = 0;
};

// The peer without its port.
std::string_view hostOf(std::string_view peer) {
  const std::size_t colon = peer.rfind(':');
  if (colon == std::string_view::npos) return peer;
  std::string_view host = peer.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

// In quotes, which neither the text's own quotes nor its control characters can leave.
void appendQuoted(std::string& out, std::string_view text) {
  out += '"';
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '"') continue;
    appendEscaped(out, text.substr(begin, i - begin));
    out += "\\\"";
    begin = i + 1;
  }
  appendEscaped(out, text.substr(begin));
  out += '"';
}

double milliseconds(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

// Common Log Format, then host, request bytes, milliseconds, and whether all went through.
void appendText(std::string& out, std::string_view stamp, const AccessRecord& record) {
  std::string line;
  line.append(record.method.empty() ? "-" : record.method).append(" ");
  line.append(record.path.empty() ? "-" : record.path).append(" ").append(record.version);
  fmt::format_to(std::back_inserter(out), "{} - - [{}] ", hostOf(record.peer), stamp);
  appendQuoted(out, line);
  fmt::format_to(std::back_inserter(out), " {} {} ", record.status, record.response_bytes);
  appendQuoted(out, record.authority.empty() ? "-" : record.authority);
  fmt::format_to(std::back_inserter(out), " {} {:.3f} {}\n", record.request_bytes,
                 milliseconds(record.duration), record.complete ? "complete" : "incomplete");
}

void appendJson(std::string& out, std::string_view stamp, const AccessRecord& record) {
  const auto member = [&out](std::string_view key, std::string_view value) {
    out.append(",\"").append(key).append("\":");
    appendJsonString(out, value);
  };
  out.append("{\"time\":\"").append(stamp).append("\"");
  member("peer", record.peer);
  member("method", record.method);
  member("host", record.authority);
  member("path", record.path);
  member("version", record.version);
  fmt::format_to(std::back_inserter(out),
                 ",\"status\":{},\"request_bytes\":{},\"response_bytes\":{},"
                 "\"duration_ms\":{:.3f},\"complete\":{}}}\n",
                 record.status, record.request_bytes, record.response_bytes,
                 milliseconds(record.duration), record.complete);
}

// Threads take the buffers in turn, so that each shard has its own as long as there are few.
std::size_t bufferIndex() {
  static std::atomic<std::size_t> threads{0};
  thread_local const std::size_t index = threads.fetch_add(1) % kBuffers;
  return index;
}

class FileAccessLog final : public AccessLog {
 public:
  FileAccessLog(std::string path, LogFile file, LogFormat format,
                std::function<void(const Error&)> on_problem)
      : path_(std::move(path)),
        format_(format),
        on_problem_(std::move(on_problem)),
        file_(std::move(file)),
        writer_([this] { writeInBackground(); }) {}

  ~FileAccessLog() override {
    {
      const std::lock_guard lock(wake_mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    writer_.join();
    writeAll();
  }

  void record(const AccessRecord& record) override {
    Buffer& buffer = *buffers_[bufferIndex()];
    bool grown = false;
    {
      const std::lock_guard lock(buffer.mutex);
      if (buffer.text.size() > kMaxBufferedBytes) {
        buffer.dropped += 1;
        return;
      }
      const std::size_t before = buffer.text.size();
      const std::string_view stamp = buffer.stamp.now();
      if (format_ == LogFormat::kJson) {
        appendJson(buffer.text, stamp, record);
      } else {
        appendText(buffer.text, stamp, record);
      }
      grown = before < kFlushBytes && buffer.text.size() >= kFlushBytes;
    }
    if (grown) wakeWriter();
  }

  void flush() override {
    writeAll();
    const std::lock_guard lock(file_mutex_);
    file_.flush();
  }

  Result<void> reopen() override {
    if (path_ == kStandardOutput) return {};
    writeAll();
    TRY(LogFile file, LogFile::open(path_, format_));
    const std::lock_guard lock(file_mutex_);
    file_ = std::move(file);
    within_line_ = false;
    return {};
  }

 private:
  struct alignas(64) Buffer {
    explicit Buffer(LogFormat format) : stamp(format) {}
    std::mutex mutex;
    std::string text;
    std::uint64_t dropped = 0;
    Stamp stamp;
  };

  std::array<std::unique_ptr<Buffer>, kBuffers> makeBuffers() const {
    std::array<std::unique_ptr<Buffer>, kBuffers> buffers;
    for (auto& buffer : buffers) buffer = std::make_unique<Buffer>(format_);
    return buffers;
  }

  void wakeWriter() {
    {
      const std::lock_guard lock(wake_mutex_);
      work_ = true;
    }
    wake_.notify_one();
  }

  void writeInBackground() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, nullptr);
    std::unique_lock lock(wake_mutex_);
    while (!stopping_) {
      wake_.wait_for(lock, kLongestDelay, [this] { return work_ || stopping_; });
      work_ = false;
      lock.unlock();
      writeAll();
      lock.lock();
    }
  }

  void writeAll() {
    const std::lock_guard lock(file_mutex_);
    bool any = false;
    for (const auto& buffer : buffers_) {
      std::uint64_t dropped = 0;
      {
        const std::lock_guard buffer_lock(buffer->mutex);
        if (buffer->text.empty()) continue;
        scratch_.swap(buffer->text);
        dropped = std::exchange(buffer->dropped, 0);
      }
      any = true;
      writeScratch(dropped);
    }
    if (!any && lost_ > 0) writeScratch(0);
  }

  // The records in it, and how many were dropped up to now.
  void writeScratch(std::uint64_t dropped) {
    const auto records = static_cast<std::uint64_t>(std::ranges::count(scratch_, '\n'));
    dropped += std::exchange(lost_, 0);
    if (dropped > 0) scratch_ += droppedLine(format_, dropped);
    if (!tryWriteScratch(records + dropped) && dropped > 0)
      lost_ += dropped - 1;  // in place of the line about them
    scratch_.clear();
  }

  // False: not all of it; what is left is counted as lost, line by line.
  bool tryWriteScratch(std::uint64_t records) {
    const bool completed = within_line_;
    if (completed) scratch_.insert(0, 1, '\n');
    std::string_view left = scratch_;
    const Result<void> written = file_.write(left, records);
    failing_ = failing_ && !written;
    within_line_ = false;
    if (written) return true;

    const std::size_t whole = scratch_.size() - left.size();
    lost_ += static_cast<std::uint64_t>(std::ranges::count(left, '\n'));
    if (whole > 0) {
      within_line_ = scratch_[whole - 1] != '\n';
    } else if (completed) {
      within_line_ = true;
      lost_ -= 1;
    }
    if (!std::exchange(failing_, true) && on_problem_) on_problem_(written.error());
    return false;
  }

  const std::string path_;
  const LogFormat format_;
  const std::function<void(const Error&)> on_problem_;
  const std::array<std::unique_ptr<Buffer>, kBuffers> buffers_ = makeBuffers();
  std::mutex file_mutex_;  // taken before any buffer's
  LogFile file_;
  std::string scratch_;
  std::uint64_t lost_ = 0;    // records that the file did not take
  bool failing_ = false;      // it took not all of the last ones
  bool within_line_ = false;  // it ends in the middle of one
  std::mutex wake_mutex_;
  std::condition_variable wake_;
  bool work_ = false;
  bool stopping_ = false;
  std::thread writer_;
};

}  // namespace

Result<std::unique_ptr<AccessLog>> openAccessLog(const std::string& path, LogFormat format,
                                                 std::function<void(const Error&)> on_problem) {
  TRY(LogFile file, LogFile::open(path, format));
  return std::make_unique<FileAccessLog>(path, std::move(file), format, std::move(on_problem));
}

}  // namespace nimbus::http
