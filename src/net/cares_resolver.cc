#include "net/cares_resolver.h"

#include <ares.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>
#include <map>

#include "base/check.h"
#include "base/files.h"
#include "base/loadable_file.h"
#include "base/sync.h"
#include "net/fd_watch.h"

namespace nimbus::net {
namespace {

using Addresses = std::vector<IpAddress>;

// DNS names have at most 253 characters and a dot at the end (RFC 1035 3.1).
constexpr std::size_t kMaxNameBytes = 254;
// More than any honest name has; keeps what a hostile server can make us hold and try small.
constexpr std::size_t kMaxAddresses = 64;
// How often a server is asked within the time limit; c-ares doubles the time with each.
constexpr int kTries = 3;
constexpr int kTimeShares = 1 + 2 + 4;
// Of a file that names servers, for it to be followed; c-ares reads all of it.
constexpr std::size_t kMaxFileBytes = 1 << 20;

// One look-up. Shared by the coroutine that waits and by c-ares, which keeps it until its callback:
// the coroutine may be gone by then.
struct Lookup {
  Shard& shard;
  std::string name;
  OneShot<Result<Addresses>> answer;
};

Error describeFailure(const std::string& name, int status) {
  const std::string message = "cannot resolve " + name + ": " + ares_strerror(status);
  switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
    case ARES_EBADNAME:
    case ARES_ENONAME: return {ErrorCode::kNotFound, message};
    case ARES_ETIMEOUT: return {ErrorCode::kDeadlineExceeded, message};
    case ARES_ECANCELLED:
    case ARES_EDESTRUCTION: return {ErrorCode::kCancelled, message};
    default: return {ErrorCode::kUnavailable, message};
  }
}

Addresses collect(const ares_addrinfo& info) {
  Addresses addresses;
  for (const ares_addrinfo_node* node = info.nodes; node != nullptr; node = node->ai_next) {
    if (addresses.size() == kMaxAddresses) break;
    IpAddress address;
    if (node->ai_family == AF_INET) {
      std::array<std::uint8_t, 4> bytes;
      std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in*>(node->ai_addr)->sin_addr, 4);
      address = IpAddress::fromV4(bytes);
    } else if (node->ai_family == AF_INET6) {
      std::array<std::uint8_t, 16> bytes;
      std::memcpy(bytes.data(), &reinterpret_cast<const sockaddr_in6*>(node->ai_addr)->sin6_addr,
                  16);
      address = IpAddress::fromV6(bytes);
    } else {
      continue;
    }
    if (std::ranges::find(addresses, address) == addresses.end()) addresses.push_back(address);
  }
  return addresses;
}

// One channel of c-ares with its sockets and its timer; it asks the name servers that it was made
// for. Held by the resolver and by each look-up that waits for it; lives on one shard. Destroying
// it gives up what c-ares still asks: never from within one of c-ares' callbacks.
class Channel {
 public:
  explicit Channel(Shard& shard)
      : shard_(shard), retry_(shard, [this] { process(ARES_SOCKET_BAD, ARES_SOCKET_BAD); }) {}
  Channel(const Channel&) = delete;
  Channel& operator=(const Channel&) = delete;
  ~Channel() {
    if (channel_ == nullptr) return;
    destroying_ = true;
    ares_destroy(channel_);
  }

  Result<void> open(Duration timeout, const NameServers& servers) {
    ares_options options{};
    const auto timeout_ms = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
    options.timeout = static_cast<int>(std::clamp<long>(timeout_ms / kTimeShares, 1, 60'000));
    options.tries = kTries;
    // The file first, then servers, whatever nsswitch.conf says about sources we do not have.
    char lookups[] = "fb";
    options.lookups = lookups;
    std::string file = servers.file;  // c-ares takes a copy, but asks for what it could change
    options.resolvconf_path = file.data();
    options.udp_port = servers.port;
    options.tcp_port = servers.port;
    options.sock_state_cb = [](void* self, ares_socket_t fd, int readable, int writable) {
      static_cast<Channel*>(self)->socketChanged(fd, readable != 0, writable != 0);
    };
    options.sock_state_cb_data = this;
    int status = ares_init_options(&channel_, &options,
                                   ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                                       ARES_OPT_RESOLVCONF | ARES_OPT_UDP_PORT | ARES_OPT_TCP_PORT |
                                       ARES_OPT_SOCK_STATE_CB);
    if (status == ARES_SUCCESS && !servers.list.empty()) {
      status = ares_set_servers_ports_csv(channel_, servers.list.c_str());
    }
    if (status == ARES_SUCCESS) return {};
    return fail(ErrorCode::kUnavailable,
                std::string("cannot set up name resolution: ") + ares_strerror(status));
  }

  // The answer comes in a later turn.
  void ask(const std::shared_ptr<Lookup>& lookup) {
    ares_addrinfo_hints hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    ares_getaddrinfo(channel_, lookup->name.c_str(), nullptr, &hints, answered,
                     new std::shared_ptr<Lookup>(lookup));
    armRetry();
  }

 private:
  // A socket of c-ares. c-ares opens and closes it and says what to wait for.
  struct Socket final : FdWatch::Waiter, std::enable_shared_from_this<Socket> {
    Socket(Channel& owner, ares_socket_t number, FdWatch watched)
        : channel(&owner), fd(number), watch(std::move(watched)), write_side(*this) {}

    struct WriteSide final : FdWatch::Waiter {
      explicit WriteSide(Socket& owner) : socket(owner) {}
      void ready() override { socket.writeReady(); }
      Socket& socket;
    };

    void ready() override {
      waits_to_read = false;
      const auto self = shared_from_this();  // c-ares may close this socket within
      channel->process(fd, ARES_SOCKET_BAD);
      self->rearm();
    }
    void writeReady() {
      waits_to_write = false;
      const auto self = shared_from_this();
      channel->process(ARES_SOCKET_BAD, fd);
      self->rearm();
    }
    void rearm() {
      if (channel == nullptr) return;
      if (wants_read && !std::exchange(waits_to_read, true)) {
        watch.wait(FdWatch::Direction::kRead, *this);
      }
      if (wants_write && !std::exchange(waits_to_write, true)) {
        watch.wait(FdWatch::Direction::kWrite, write_side);
      }
    }

    Channel* channel;  // null once c-ares has closed it
    ares_socket_t fd;
    FdWatch watch;
    WriteSide write_side;
    bool wants_read = false;
    bool wants_write = false;
    bool waits_to_read = false;
    bool waits_to_write = false;
  };

  static void answered(void* argument, int status, int, ares_addrinfo* info) {
    const std::unique_ptr<std::shared_ptr<Lookup>> lookup(
        static_cast<std::shared_ptr<Lookup>*>(argument));
    Result<Addresses> result = std::unexpected(describeFailure((*lookup)->name, status));
    if (status == ARES_SUCCESS && info != nullptr) {
      Addresses addresses = collect(*info);
      if (!addresses.empty()) {
        result = std::move(addresses);
      } else {
        result = std::unexpected(describeFailure((*lookup)->name, ARES_ENODATA));
      }
    }
    if (info != nullptr) ares_freeaddrinfo(info);
    if (lookup->use_count() == 1) return;  // nobody waits any more
    // Not from within c-ares: who waits may ask again, or destroy the resolver.
    (*lookup)->shard.post([lookup = *lookup, result = std::move(result)]() mutable {
      lookup->answer.set(std::move(result));
    });
  }

  void socketChanged(ares_socket_t fd, bool readable, bool writable) {
    const auto found = sockets_.find(fd);
    if (!readable && !writable) {
      if (found == sockets_.end()) return;
      found->second->channel = nullptr;
      found->second->watch.close();
      sockets_.erase(found);
      return;
    }
    if (destroying_) return;
    auto socket = found != sockets_.end() ? found->second : addSocket(fd);
    if (socket == nullptr) return;
    socket->wants_read = readable;
    socket->wants_write = writable;
    socket->rearm();
  }

  std::shared_ptr<Socket> addSocket(ares_socket_t fd) {
    auto watch = FdWatch::openBorrowed(shard_, fd);
    if (!watch) return nullptr;  // the question then runs into its time limit
    return sockets_.emplace(fd, std::make_shared<Socket>(*this, fd, std::move(*watch)))
        .first->second;
  }

  void process(ares_socket_t readable, ares_socket_t writable) {
    ares_process_fd(channel_, readable, writable);
    armRetry();
  }

  // c-ares asks again, or the next server, when its own time-out passes.
  void armRetry() {
    timeval buffer{};
    const timeval* next = ares_timeout(channel_, nullptr, &buffer);
    if (next == nullptr) return retry_.disarm();
    retry_.armAfter(std::chrono::seconds(next->tv_sec) + std::chrono::microseconds(next->tv_usec));
  }

  Shard& shard_;
  ares_channel channel_ = nullptr;
  bool destroying_ = false;
  std::map<ares_socket_t, std::shared_ptr<Socket>> sockets_;
  Timer retry_;
};

class CaresResolver final : public Resolver {
 public:
  CaresResolver(Shard& shard, Duration timeout, NameServers servers)
      : shard_(shard), timeout_(timeout), servers_(std::move(servers)) {}

  // Makes the channel for the look-ups from now on. If that fails, what there was stays.
  Result<void> open() {
    // Before c-ares reads the file: a change in between is then seen by the next look.
    const FileStamp stamp = fileIsReadable() ? look() : FileStamp{};
    auto channel = std::make_shared<Channel>(shard_);
    TRY_VOID(channel->open(timeout_, servers_));
    channel_ = std::move(channel);
    stamp_ = stamp;
    return {};
  }

  Task<Result<Addresses>> resolve(std::string name) override {
    if (auto literal = IpAddress::parse(name)) co_return Addresses{*literal};
    if (name.empty() || name.size() > kMaxNameBytes || name.find('\0') != std::string::npos) {
      co_return fail(ErrorCode::kNotFound, "not a host name: \"" + name + "\"");
    }
    followFile();
    // Kept until the look-up has ended, and let go after it: another one may be in use by then.
    const std::shared_ptr<Channel> channel = channel_;
    auto lookup = std::make_shared<Lookup>(shard_, std::move(name));
    channel->ask(lookup);
    Timer limit(shard_, [&lookup] {
      lookup->answer.set(std::unexpected(describeFailure(lookup->name, ARES_ETIMEOUT)));
    });
    limit.armAfter(timeout_);
    co_return co_await lookup->answer.wait();
  }

 private:
  // The servers change while the process runs: by DHCP, by a VPN, or when it started before the
  // network. A channel reads the file only when it is made, so another one is made then; look-ups
  // under way end on theirs. There are no more channels than look-ups and the current one.
  void followFile() {
    if (!servers_.list.empty() || shard_.now() < look_at_) return;
    const FileStamp stamp = look();
    // A file that is gone may be on its way to being replaced: the servers that it named last stay.
    if (stamp == FileStamp{} || stamp == stamp_) return;
    // What fails is tried again at the next look, as the stamp stays the old one.
    if (fileIsReadable()) (void)open();
  }

  // c-ares does not say when it could not read the file, such as for want of descriptors: it asks
  // 127.0.0.1 then, which must not take the place of good servers, nor be for good.
  [[nodiscard]] bool fileIsReadable() const {
    return checkLoadable("name servers", servers_.file, kMaxFileBytes).has_value();
  }

  FileStamp look() {
    look_at_ = shard_.now() + servers_.look_again;
    return stampOf(servers_.file);
  }

  Shard& shard_;
  const Duration timeout_;
  const NameServers servers_;
  std::shared_ptr<Channel> channel_;
  FileStamp stamp_;    // of the file when the channel was made
  TimePoint look_at_;  // at the file, the next time
};

// Process-wide and not thread safe, hence once.
int initializeLibrary() {
  static const int status = ares_library_init(ARES_LIB_INIT_ALL);
  return status;
}

}  // namespace

Result<std::unique_ptr<Resolver>> makeResolverFrom(Shard& shard, Duration timeout,
                                                   NameServers servers) {
  NIMBUS_CHECK(shard.onThread());
  if (const int status = initializeLibrary(); status != ARES_SUCCESS) {
    return fail(ErrorCode::kUnavailable,
                std::string("cannot set up name resolution: ") + ares_strerror(status));
  }
  auto resolver = std::make_unique<CaresResolver>(shard, timeout, std::move(servers));
  TRY_VOID(resolver->open());
  return resolver;
}

Result<std::unique_ptr<Resolver>> makeResolverWithServers(Shard& shard, Duration timeout,
                                                          const std::string& servers) {
  return makeResolverFrom(shard, timeout, {.list = servers});
}

Result<std::unique_ptr<Resolver>> makeResolver(Shard& shard, Duration timeout) {
  return makeResolverFrom(shard, timeout, {});
}

}  // namespace nimbus::net
