#pragma once

#include <cstddef>
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
  std::size_t waiting = 0;
  std::size_t handed = 0;    // permits that other shards handed over
  Event changed;             // perhaps a connection can be had now
  bool quota_tells = false;  // once something of it is free
  TimePoint asked{};         // when the others were, at last
  std::size_t kept = 0;      // connections while somebody else waited for one
};

// The right to have one connection open. Gives it back when it goes.
class ClientPermit {
 public:
  // Nothing if all that there may be are open.
  [[nodiscard]] static std::optional<ClientPermit> take(std::shared_ptr<ClientPool> pool,
                                                        std::shared_ptr<ClientTenant> tenant);
  ClientPermit(ClientPermit&& other) noexcept = default;
  // To another shard, if one waits for it: then it is none any more.
  void handOver();
  ClientPermit& operator=(ClientPermit&&) = delete;
  ~ClientPermit();

 private:
  ClientPermit(std::shared_ptr<ClientPool> pool, std::shared_ptr<ClientTenant> tenant);

  std::shared_ptr<ClientPool> pool_;
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
  friend class ClientPermit;

  // Waits to be used, and notices when the peer closes or speaks unasked.
  struct IdleConnection {
    Http1Connection connection;
    TimePoint since;
    bool dead = false;
    std::optional<Task<void>> watch;
  };
  struct Origin {
    enum class Protocol { kUnknown, kHttp1, kHttp2 };
    const ClientOriginId* id = nullptr;
    std::shared_ptr<ClientTenant> tenant;
    Protocol protocol = Protocol::kUnknown;
    std::size_t connecting = 0;
    std::vector<std::unique_ptr<IdleConnection>> idle;  // the last was used last
    struct Shared {
      std::shared_ptr<Http2ClientSession> session;
      std::string peer;  // as net::PeerInfo has it
      ClientPermit permit;
    };
    std::vector<std::unique_ptr<Shared>> shared;
    bool dirty = false;  // among those to look through
  };
  using Origins = std::map<ClientOriginId, Origin>;
  class Connecting;

  void runDeferred() override;
  [[nodiscard]] Origin& originFor(const ClientOriginId& id);
  [[nodiscard]] std::optional<ClientConnection> takeReady(Origin& origin,
                                                          const RequestOptions& options,
                                                          Freshness freshness);
  [[nodiscard]] bool mayConnect(const Origin& origin, const RequestOptions& options) const;
  // One more connection of this tenant, if need be in place of an idle one.
  [[nodiscard]] std::optional<ClientPermit> takePermit(const std::shared_ptr<ClientTenant>& tenant);
  // Makes room for a connection of this key by closing an idle one.
  bool evictIdle(const std::string& key);
  // There is a change of the tenant once another shard gives up a connection.
  void askOtherShards(const std::shared_ptr<ClientTenant>& tenant);
  // Another shard asks.
  void giveRoom(const std::string& key);
  [[nodiscard]] bool isWantedElsewhere(ClientTenant& tenant);
  [[nodiscard]] Task<Result<ClientConnection>> connect(ClientOriginId id, ClientTarget target,
                                                       ClientPermit permit,
                                                       const RequestOptions& options,
                                                       TimePoint deadline);
  [[nodiscard]] ClientConnection adopt(const ClientOriginId& id, ClientPermit permit,
                                       std::unique_ptr<net::Stream> stream);
  [[nodiscard]] Task<Result<void>> waitForChange(std::shared_ptr<ClientTenant> tenant,
                                                 TimePoint deadline, std::string_view what);
  [[nodiscard]] Task<void> watchIdle(Origin& origin, IdleConnection& idle);
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
