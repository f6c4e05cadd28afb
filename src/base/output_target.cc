#include "base/output_target.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace nimbus {
namespace {

// A terminal with room for one more byte is ready, but takes no line feed, which becomes two.
constexpr int kUnreadyPauseMs = 10;

// The same pipe or terminal with flags of our own; -1: not allowed, no /proc, no reader.
int openAgain(int descriptor) {
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  return ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
}

}  // namespace

OutputTarget::~OutputTarget() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

void OutputTarget::open() {
  if (kind_ != Kind::kNotOpen) return;
  struct stat status{};
  if (::fstat(given_, &status) != 0) return;
  if (S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode)) descriptor_ = openAgain(given_);
  if (descriptor_ >= 0) {
    kind_ = Kind::kOwn;
    return;
  }
  descriptor_ = ::fcntl(given_, F_DUPFD_CLOEXEC, 0);
  if (descriptor_ < 0) return;
  kind_ = S_ISSOCK(status.st_mode)                              ? Kind::kSocket
          : S_ISFIFO(status.st_mode) || S_ISCHR(status.st_mode) ? Kind::kShared
                                                                : Kind::kFile;
}

long OutputTarget::writeNow(std::string_view text) const {
  if (kind_ == Kind::kSocket)
    return ::send(descriptor_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (kind_ != Kind::kShared) return ::write(descriptor_, text.data(), text.size());

  const iovec piece{const_cast<char*>(text.data()), text.size()};  // only read from
  const long written = ::pwritev2(descriptor_, &piece, 1, -1, RWF_NOWAIT);
  if (written < 0 && (errno == EOPNOTSUPP || errno == ENOSYS || errno == EINVAL)) errno = EAGAIN;
  return written;
}

long OutputTarget::writeWhenReady(std::string_view text) const {
  if (kind_ != Kind::kShared) return writeNow(text);
  // That much a ready pipe takes without waiting, unless another writer is faster.
  return ::write(descriptor_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
}

bool OutputTarget::mayTear() {
  open();
  return kind_ == Kind::kOwn || kind_ == Kind::kShared;
}

OutputTarget::Outcome OutputTarget::writeAtOnce(std::string_view& text) {
  open();
  while (!text.empty()) {
    const long written = writeNow(text);
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      return Outcome::kFull;
    } else if (errno != EINTR) {
      return Outcome::kFailed;
    }
  }
  return Outcome::kWritten;
}

OutputTarget::Outcome OutputTarget::writeWaiting(std::string_view& text, int wake) {
  open();
  while (!text.empty()) {
    pollfd events[] = {{descriptor_, POLLOUT, 0}, {wake, POLLIN, 0}};
    if (::poll(events, 2, -1) < 0) {
      if (errno == EINTR) continue;
      return Outcome::kFailed;
    }
    if (events[1].revents != 0) return Outcome::kFull;
    const long written = writeWhenReady(text);
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      ::poll(&events[1], 1, kUnreadyPauseMs);
    } else if (errno != EINTR) {
      return Outcome::kFailed;
    }
  }
  return Outcome::kWritten;
}

}  // namespace nimbus
