#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/metrics.h"
#include "base/sync.h"
#include "http/client.h"
#include "http/client_connect.h"
#include "http/http2_client.h"
#include "http/shared_connections.h"

namespace nimbus::http {

class ClientPool;
struct ClientOrigin;
struct ClientWaiter;

// The requests of one isolation key on this shard: how many connections they have open.
struct ClientTenant {
  ClientTenant() = default;
  ClientTenant(const ClientTenant&) = delete;
  ClientTenant& operator=(const ClientTenant&) = delete;
  ~ClientTenant() {
    if (handed > 0) quota->give(handed);
  }

  std::string key;
  std::shared_ptr<Quota> quota;  // with those on other shards
  std::size_t connections = 0;
  // Requests that wait for a connection, by their tickets: first come, first served. One that was
  // resumed in vain keeps its ticket, and so its place.
  std::map<std::uint64_t, ClientWaiter*> waiting;
  std::uint64_t next_ticket = 0;
  std::size_t handed = 0;    // permits that other shards handed over
  bool quota_tells = false;  // once something of it is free
  TimePoint asked{};         // when the others were, at last
  std::size_t kept = 0;      // connections while somebody else waited for one
};

// Keeps the pool, and what it knows of an origin: whoever waits for a connection, opens one or has
// one needs it, also where the connection is handed out and the pool itself has no more of it.
class ClientOriginUse {
 public:
  ClientOriginUse(std::shared_ptr<ClientPool> pool, ClientOrigin& origin);
  ClientOriginUse(ClientOriginUse&& other) noexcept = default;
  ClientOriginUse& operator=(ClientOriginUse&&) = delete;
  ~ClientOriginUse();

  [[nodiscard]] ClientPool& pool() const { return *pool_; }

 private:
  std::shared_ptr<ClientPool> pool_;  // null: moved from
  ClientOrigin* origin_;
};

// The right to have one connection to an origin open. Gives it back when it goes.
class ClientPermit {
 public:
  // Nothing if all that there may be are open.
  [[nodiscard]] static std::optional<ClientPermit> take(std::shared_ptr<ClientPool> pool,
                                                        ClientOrigin& origin);
  ClientPermit(ClientPermit&& other) noexcept
      : use_(std::exchange(other.use_, std::nullopt)), tenant_(std::move(other.tenant_)) {}
  // To another shard, if one waits for it: then it is none any more.
  void handOver();
  ClientPermit& operator=(ClientPermit&&) = delete;
  ~ClientPermit();

 private:
  ClientPermit(std::shared_ptr<ClientPool> pool, ClientOrigin& origin);

  std::optional<ClientOriginUse> use_;  // nothing: moved from, or handed over
  std::shared_ptr<ClientTenant> tenant_;
};

// A connection that speaks HTTP/1 and carries no request now.
struct Http1Connection {
  std::unique_ptr<net::Stream> stream;
  ClientPermit permit;
  bool reused = false;
};

using ClientConnection = std::variant<Http1Connection, std::shared_ptr<Http2ClientSession>>;

// What tells connections apart: those of one origin can be used for one another's requests.
struct ClientOriginId {
  std::string isolation_key;
  Scheme scheme = Scheme::kHttp;
  std::string authority;
  bool prior_knowledge = false;  // HTTP/2 over plain TCP
  friend auto operator<=>(const ClientOriginId&, const ClientOriginId&) = default;
};

// What a pool knows of an origin, and the connections to it that it may hand out.
struct ClientOrigin {
  // Waits to be used, and notices when the peer closes or speaks unasked.
  struct Idle {
    Http1Connection connection;
    TimePoint since;
    bool dead = false;
    std::optional<Task<void>> watch;
  };
  struct Shared {
    std::shared_ptr<Http2ClientSession> session;
    std::string peer;  // as net::PeerInfo has it
    ClientPermit permit;
  };
  enum class Protocol { kUnknown, kHttp1, kHttp2 };

  const ClientOriginId* id = nullptr;
  std::shared_ptr<ClientTenant> tenant;
  Protocol protocol = Protocol::kUnknown;
  std::size_t users = 0;  // with none it is forgotten, and the protocol with it
  std::size_t connecting = 0;
  std::vector<std::unique_ptr<Idle>> idle;  // the last was used last
  std::vector<std::unique_ptr<Shared>> shared;
  bool dirty = false;  // among those to look through
};

// The connections of one client. Lives on its shard, as long as the client and as anything that
// came out of it: permits point back here.
class ClientPool final : public std::enable_shared_from_this<ClientPool>, private net::Deferred {
 public:
  ClientPool(net::Shard& shard, net::Resolver& resolver, std::shared_ptr<net::TlsClientContext> tls,
             ClientLimits limits, MetricRegistry& metrics,
             std::shared_ptr<ClientConnections> shared);
  ~ClientPool() override;

  // A connection for one request: an idle one, a shared one, or a new one, when the tenant may
  // have one more. `fresh`: not one that was idle, since such a one just turned out to be dead.
  enum class Freshness { kAny, kFresh };
  [[nodiscard]] Task<Result<ClientConnection>> acquire(ClientOriginId origin, ClientTarget target,
                                                       const RequestOptions& options,
                                                       Freshness freshness);

  // Keeps it for the next request.
  void release(const ClientOriginId& origin, Http1Connection connection);

  void forget(const std::string& isolation_key);
  // Closes everything; what is under way fails.
  void shutDown();

  [[nodiscard]] net::Shard& shard() { return shard_; }
  [[nodiscard]] const ClientLimits& limits() const { return limits_; }
  [[nodiscard]] Counter& requests() { return *requests_; }
  [[nodiscard]] Counter& failures() { return *failures_; }

 private:
  friend class ClientOriginUse;
  friend class ClientPermit;
  using Origin = ClientOrigin;
  using Origins = std::map<ClientOriginId, Origin>;
  class Connecting;

  void runDeferred() override;
  [[nodiscard]] Origin& originFor(const ClientOriginId& id);
  [[nodiscard]] std::optional<ClientConnection> takeReady(Origin& origin,
                                                          const RequestOptions& options,
                                                          Freshness freshness);
  [[nodiscard]] bool mayConnect(const Origin& origin, const RequestOptions& options) const;
  // One more connection of this tenant, if need be in place of an idle one.
  [[nodiscard]] std::optional<ClientPermit> takePermit(Origin& origin);
  // Makes room for a connection of this key by closing an idle one.
  bool evictIdle(const std::string& key);
  // There is a change of the tenant once another shard gives up a connection.
  void askOtherShards(const std::shared_ptr<ClientTenant>& tenant);
  // Another shard asks.
  void giveRoom(const std::string& key);
  [[nodiscard]] bool isWantedElsewhere(ClientTenant& tenant);
  [[nodiscard]] Task<Result<ClientConnection>> connect(Origin& origin, ClientTarget target,
                                                       ClientPermit permit,
                                                       const RequestOptions& options,
                                                       TimePoint deadline);
  [[nodiscard]] ClientConnection adopt(Origin& origin, ClientPermit permit,
                                       std::unique_ptr<net::Stream> stream);
  // Until it is worth trying again.
  [[nodiscard]] Task<Result<void>> waitForTurn(ClientWaiter& waiter, TimePoint deadline,
                                               std::string_view what);
  [[nodiscard]] bool isWorthTrying(const ClientWaiter& waiter, bool permits_left) const;
  // Those of the tenant for whom there is something.
  void resumeWaiting(ClientTenant& tenant);
  [[nodiscard]] Task<void> watchIdle(Origin& origin, Origin::Idle& idle);
  void tenantChanged(ClientTenant& tenant);
  void originChanged(Origin& origin);
  [[nodiscard]] std::pair<Origins::iterator, Origins::iterator> originsOf(const std::string& key);
  Origins::iterator eraseOrigin(Origins::iterator entry);
  void forgetTenantIfUnused(const std::string& key);
  void sweepAll();
  void sweepDirty();
  void sweepOrigin(Origin& origin);
  void scheduleSweep(TimePoint when);

  net::Shard& shard_;
  net::Resolver& resolver_;
  std::shared_ptr<net::TlsClientContext> tls_;
  ClientLimits limits_;
  const std::shared_ptr<ClientConnections> connections_;
  std::unique_ptr<net::ShardPeers::Member> others_;  // null: it is shut down
  std::shared_ptr<Counter> requests_;
  std::shared_ptr<Counter> failures_;
  std::shared_ptr<Counter> opened_;
  std::shared_ptr<Gauge> open_;
  std::map<std::string, std::shared_ptr<ClientTenant>> tenants_;
  Origins origins_;
  std::vector<Origin*> dirty_origins_;
  std::vector<std::shared_ptr<ClientTenant>> changed_tenants_;
  net::Timer expiry_;
  TimePoint next_sweep_ = TimePoint::max();
  bool sweep_due_ = false;
  bool shut_down_ = false;
};

}  // namespace nimbus::http
