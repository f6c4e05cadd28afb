#include "net/listen_socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "net/bind.h"
#include "net/socket_address.h"

namespace nimbus::net {
namespace {

constexpr int kBacklog = 4096;

Result<UniqueFd> makeSocket(int family) {
  UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return failErrno("cannot make a socket", errno);
  return fd;
}

std::unexpected<Error> cannotListen(const Endpoint& where, int error) {
  const std::string what = "cannot listen on " + where.toString();
  const Error cause = failErrno(what, error).error();
  if (error == EADDRINUSE) return fail(ErrorCode::kAlreadyExists, cause.message());
  if (error == EACCES || error == EPERM) {
    const bool privileged = where.unix_path.empty() && where.port < 1024;
    return fail(ErrorCode::kPermissionDenied,
                cause.message() + (privileged ? "; ports below 1024 need root, the capability "
                                                "cap_net_bind_service, or a lower "
                                                "net.ipv4.ip_unprivileged_port_start"
                                              : ""));
  }
  return std::unexpected(cause);
}

Result<void> switchOn(int fd, int level, int option) {
  const int on = 1;
  if (::setsockopt(fd, level, option, &on, sizeof on) != 0) return failErrno("setsockopt", errno);
  return {};
}

Result<Endpoint> boundEndpoint(int fd) {
  SocketAddress address;
  if (::getsockname(fd, address.get(), &address.size) != 0) return failErrno("getsockname", errno);
  return fromSocketAddress(address);
}

enum class Sharing { kNone, kByShards };

Result<UniqueFd> bindTcp(const Endpoint& where, Sharing sharing) {
  TRY(const SocketAddress address, toSocketAddress(where));
  TRY(UniqueFd fd, makeSocket(address.family()));
  TRY_VOID(switchOn(fd.get(), SOL_SOCKET, SO_REUSEADDR));
  if (sharing == Sharing::kByShards) TRY_VOID(switchOn(fd.get(), SOL_SOCKET, SO_REUSEPORT));
  // Accepted sockets inherit it, which saves a system call for each.
  TRY_VOID(switchOn(fd.get(), IPPROTO_TCP, TCP_NODELAY));
  if (::bind(fd.get(), address.get(), address.size) != 0) return cannotListen(where, errno);
  return fd;
}

// SO_REUSEPORT would let a second process of the same user bind too and take half of the
// connections; it shall hear that the address is in use.
Result<void> checkNobodyListens(const Endpoint& where) {
  TRY_VOID(bindTcp(where, Sharing::kNone));
  return {};
}

Result<std::vector<std::unique_ptr<ListenSocket>>> bindToTcp(Endpoint where, std::size_t count) {
  const Sharing sharing = count > 1 ? Sharing::kByShards : Sharing::kNone;
  if (sharing == Sharing::kByShards) TRY_VOID(checkNobodyListens(where));
  std::vector<std::unique_ptr<ListenSocket>> sockets;
  for (std::size_t index = 0; index < count; ++index) {
    TRY(UniqueFd fd, bindTcp(where, sharing));
    if (index == 0) {
      TRY(where, boundEndpoint(fd.get()));
    }
    sockets.push_back(std::make_unique<BoundSocket>(std::move(fd), where, nullptr));
  }
  return sockets;
}

// Removes the file of a socket that no process listens on any more.
Result<void> clearStale(const Endpoint& where, const SocketAddress& address) {
  struct stat status{};
  if (::lstat(where.unix_path.c_str(), &status) != 0) {
    return errno == ENOENT ? Result<void>{} : cannotListen(where, errno);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return fail(ErrorCode::kAlreadyExists,
                where.unix_path + " exists and is not a socket; remove it or choose another path");
  }
  TRY(const UniqueFd probe, makeSocket(AF_UNIX));
  if (::connect(probe.get(), address.get(), address.size) == 0 || errno == EAGAIN) {
    return fail(ErrorCode::kAlreadyExists,
                "another process listens on " + where.unix_path + " already");
  }
  if (errno != ECONNREFUSED) return cannotListen(where, errno);
  if (::unlink(where.unix_path.c_str()) != 0 && errno != ENOENT) return cannotListen(where, errno);
  return {};
}

Result<std::vector<std::unique_ptr<ListenSocket>>> bindToUnix(const Endpoint& where,
                                                              std::size_t count) {
  TRY(const SocketAddress address, toSocketAddress(where));
  TRY_VOID(clearStale(where, address));
  TRY(UniqueFd fd, makeSocket(AF_UNIX));
  if (::bind(fd.get(), address.get(), address.size) != 0) return cannotListen(where, errno);
  struct stat status{};
  if (::lstat(where.unix_path.c_str(), &status) != 0) return cannotListen(where, errno);
  auto file = std::make_shared<UnixSocketFile>(where.unix_path, status.st_dev, status.st_ino);
  // Before listen(), so that there is no moment in which another user could connect.
  if (::chmod(where.unix_path.c_str(), S_IRUSR | S_IWUSR) != 0) return cannotListen(where, errno);
  std::vector<std::unique_ptr<ListenSocket>> sockets;
  for (std::size_t index = 1; index < count; ++index) {
    UniqueFd copy(::fcntl(fd.get(), F_DUPFD_CLOEXEC, 0));
    if (!copy.valid()) return cannotListen(where, errno);
    sockets.push_back(std::make_unique<BoundSocket>(std::move(copy), where, file));
  }
  sockets.push_back(std::make_unique<BoundSocket>(std::move(fd), where, std::move(file)));
  return sockets;
}

}  // namespace

bool UnixSocketFile::inPlace() const {
  struct stat status{};
  return ::lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
         status.st_ino == inode_;
}

UnixSocketFile::~UnixSocketFile() {
  if (inPlace()) ::unlink(path_.c_str());
}

Result<void> BoundSocket::listen() {
  if (file_ != nullptr && !file_->inPlace()) {
    return fail(ErrorCode::kAlreadyExists,
                "another process has taken " + bound_to_.unix_path + " meanwhile");
  }
  if (::listen(fd_.get(), kBacklog) != 0) return cannotListen(bound_to_, errno);
  return {};
}

Result<std::vector<std::unique_ptr<ListenSocket>>> bindTo(const Endpoint& where,
                                                          std::size_t shard_count) {
  if (shard_count == 0) return fail(ErrorCode::kInvalidArgument, "no shard to listen for");
  if (!where.unix_path.empty()) return bindToUnix(where, shard_count);
  return bindToTcp(where, shard_count);
}

Result<void> startListening(std::span<const std::unique_ptr<ListenSocket>> sockets) {
  // Another process may have bound and begun since.
  const Endpoint& where = sockets.front()->boundTo();
  if (sockets.size() > 1 && where.unix_path.empty()) TRY_VOID(checkNobodyListens(where));
  for (const auto& socket : sockets) TRY_VOID(dynamic_cast<BoundSocket&>(*socket).listen());
  return {};
}

Result<std::vector<std::unique_ptr<ListenSocket>>> listenOn(const Endpoint& where,
                                                            std::size_t shard_count) {
  TRY(auto sockets, bindTo(where, shard_count));
  TRY_VOID(startListening(sockets));
  return sockets;
}

}  // namespace nimbus::net
