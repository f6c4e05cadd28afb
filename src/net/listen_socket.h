#pragma once

#include "base/unique_fd.h"
#include "net/socket.h"

namespace nimbus::net {

// The file of a Unix socket, removed from the disk with the last listener, unless another process
// has put its own in place meanwhile.
class UnixSocketFile {
 public:
  UnixSocketFile(std::string path, dev_t device, ino_t inode)
      : path_(std::move(path)), device_(device), inode_(inode) {}
  UnixSocketFile(const UnixSocketFile&) = delete;
  UnixSocketFile& operator=(const UnixSocketFile&) = delete;
  ~UnixSocketFile();

  // Whether the path still leads to this socket.
  [[nodiscard]] bool inPlace() const;

 private:
  std::string path_;
  dev_t device_;
  ino_t inode_;
};

// What listenOn() really returns. Internal to src/net.
class BoundSocket final : public ListenSocket {
 public:
  BoundSocket(UniqueFd fd, Endpoint bound_to, std::shared_ptr<UnixSocketFile> file)
      : fd_(std::move(fd)), bound_to_(std::move(bound_to)), file_(std::move(file)) {}

  [[nodiscard]] const Endpoint& boundTo() const override { return bound_to_; }
  [[nodiscard]] Result<void> listen();
  [[nodiscard]] UniqueFd takeFd() { return std::move(fd_); }

 private:
  UniqueFd fd_;
  Endpoint bound_to_;
  std::shared_ptr<UnixSocketFile> file_;
};

}  // namespace nimbus::net
