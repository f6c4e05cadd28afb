// What scripts/hide-from-tsan.sh makes the Rust library call in a build with TSan, as it does for
// memory (see unseen_memory.cc): TSan watches who opens, uses and closes a file, too, and sees none
// of the atomics by which the threads of Rust hand it on.
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstddef>

namespace {

template <typename Result = int, typename... Arguments>
Result call(long number, Arguments... arguments) {
  return static_cast<Result>(::syscall(number, arguments...));
}

}  // namespace

extern "C" {

int unseen_socket(int domain, int type, int protocol) {
  return call(SYS_socket, domain, type, protocol);
}
int unseen_socketpair(int domain, int type, int protocol, int* pair) {
  return call(SYS_socketpair, domain, type, protocol, pair);
}
int unseen_bind(int file, const sockaddr* address, socklen_t size) {
  return call(SYS_bind, file, address, size);
}
int unseen_listen(int file, int backlog) { return call(SYS_listen, file, backlog); }
int unseen_accept4(int file, sockaddr* address, socklen_t* size, int flags) {
  return call(SYS_accept4, file, address, size, flags);
}
int unseen_accept(int file, sockaddr* address, socklen_t* size) {
  return unseen_accept4(file, address, size, 0);
}
int unseen_connect(int file, const sockaddr* address, socklen_t size) {
  return call(SYS_connect, file, address, size);
}
int unseen_shutdown(int file, int how) { return call(SYS_shutdown, file, how); }

ssize_t unseen_recvfrom(int file, void* to, std::size_t size, int flags, sockaddr* address,
                        socklen_t* address_size) {
  return call<ssize_t>(SYS_recvfrom, file, to, size, flags, address, address_size);
}
ssize_t unseen_recv(int file, void* to, std::size_t size, int flags) {
  return unseen_recvfrom(file, to, size, flags, nullptr, nullptr);
}
ssize_t unseen_recvmsg(int file, msghdr* message, int flags) {
  return call<ssize_t>(SYS_recvmsg, file, message, flags);
}
ssize_t unseen_sendto(int file, const void* from, std::size_t size, int flags,
                      const sockaddr* address, socklen_t address_size) {
  return call<ssize_t>(SYS_sendto, file, from, size, flags, address, address_size);
}
ssize_t unseen_send(int file, const void* from, std::size_t size, int flags) {
  return unseen_sendto(file, from, size, flags, nullptr, 0);
}
ssize_t unseen_sendmsg(int file, const msghdr* message, int flags) {
  return call<ssize_t>(SYS_sendmsg, file, message, flags);
}

ssize_t unseen_read(int file, void* to, std::size_t size) {
  return call<ssize_t>(SYS_read, file, to, size);
}
ssize_t unseen_write(int file, const void* from, std::size_t size) {
  return call<ssize_t>(SYS_write, file, from, size);
}
int unseen_close(int file) { return call(SYS_close, file); }
// Both take one more argument of a word at most.
int unseen_fcntl(int file, int command, long argument) {
  return call(SYS_fcntl, file, command, argument);
}
int unseen_ioctl(int file, unsigned long request, long argument) {
  return call(SYS_ioctl, file, request, argument);
}
int unseen_poll(pollfd* files, nfds_t count, int milliseconds) {
  return call(SYS_poll, files, count, milliseconds);
}
int unseen_dup2(int file, int onto) { return call(SYS_dup2, file, onto); }
int unseen_open(const char* path, int flags, mode_t mode) {
  return call(SYS_open, path, flags, mode);
}
int unseen_pipe2(int* ends, int flags) { return call(SYS_pipe2, ends, flags); }
int unseen_eventfd(unsigned initial, int flags) { return call(SYS_eventfd2, initial, flags); }

int unseen_epoll_create1(int flags) { return call(SYS_epoll_create1, flags); }
int unseen_epoll_ctl(int poller, int operation, int file, epoll_event* event) {
  return call(SYS_epoll_ctl, poller, operation, file, event);
}
int unseen_epoll_wait(int poller, epoll_event* events, int count, int milliseconds) {
  return call(SYS_epoll_wait, poller, events, count, milliseconds);
}
}
