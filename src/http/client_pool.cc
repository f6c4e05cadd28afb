#include "http/client_pool.h"

#include <algorithm>
#include <utility>

#include "http/client_deadline.h"

namespace nimbus::http {
namespace {

// Requests of one tenant that may wait for a connection at once.
constexpr std::size_t kMaxWaiting = 4096;

// Whether this request may use a connection that another one opened: what they may reach can
// differ.
bool mayUse(const RequestOptions& options, const std::string& peer) {
  if (!options.check_address) return true;
  const auto where = net::Endpoint::parse(peer);
  return where && options.check_address(where->address, where->port);
}

// A shared connection that takes the request now.
std::shared_ptr<Http2ClientSession> roomFor(const ClientOrigin& origin,
                                            const RequestOptions& options) {
  for (const auto& shared : origin.shared) {
    if (shared->session->hasRoom() && mayUse(options, shared->peer)) return shared->session;
  }
  return nullptr;
}

// The one that was used last of those that the request may use; null if there is none.
const ClientOrigin::Idle* idleFor(const ClientOrigin& origin, const RequestOptions& options,
                                  ClientPool::Freshness freshness) {
  if (freshness == ClientPool::Freshness::kFresh) return nullptr;
  const auto last = std::find_if(origin.idle.rbegin(), origin.idle.rend(), [&](const auto& idle) {
    return !idle->dead && mayUse(options, idle->connection.stream->peer().address);
  });
  return last == origin.idle.rend() ? nullptr : last->get();
}

}  // namespace

// A request that waits for a connection. Lives in the frame of acquire().
struct ClientWaiter {
  // What others do at the origin, or room for one more connection: each has a deadline of its own.
  enum class For { kOrigin, kPermit };

  ClientOrigin& origin;
  const RequestOptions& options;
  ClientPool::Freshness freshness;
  For waits_for = For::kOrigin;
  std::optional<std::uint64_t> ticket = std::nullopt;  // drawn when it waits for the first time
  Event resumed{};
};

namespace {

// Gives a name to the wait, so that it can have a deadline.
Task<Result<void>> resumption(ClientWaiter& waiter) {
  waiter.resumed.clear();
  co_await waiter.resumed.wait();
  co_return Result<void>();
}

// Listed while it lives.
class Queued {
 public:
  Queued(std::shared_ptr<ClientTenant> tenant, ClientWaiter& waiter)
      : tenant_(std::move(tenant)), ticket_(*waiter.ticket) {
    tenant_->waiting.emplace(ticket_, &waiter);
  }
  Queued(const Queued&) = delete;
  Queued& operator=(const Queued&) = delete;
  ~Queued() { tenant_->waiting.erase(ticket_); }

 private:
  std::shared_ptr<ClientTenant> tenant_;
  std::uint64_t ticket_;
};

}  // namespace

ClientOriginUse::ClientOriginUse(std::shared_ptr<ClientPool> pool, ClientOrigin& origin)
    : pool_(std::move(pool)), origin_(&origin) {
  origin_->users += 1;
}

ClientOriginUse::~ClientOriginUse() {
  if (!pool_) return;
  origin_->users -= 1;
  if (origin_->users > 0) return;
  pool_->originChanged(*origin_);
  pool_->tenantChanged(*origin_->tenant);
}

ClientPermit::ClientPermit(std::shared_ptr<ClientPool> pool, ClientOrigin& origin)
    : use_(std::in_place, std::move(pool), origin), tenant_(origin.tenant) {
  tenant_->connections += 1;
  use_->pool().open_->add(1);
}

std::optional<ClientPermit> ClientPermit::take(std::shared_ptr<ClientPool> pool,
                                               ClientOrigin& origin) {
  ClientTenant& tenant = *origin.tenant;
  if (tenant.handed > 0) {
    tenant.handed -= 1;
  } else if (tenant.quota->take(1) == 0) {
    return std::nullopt;
  }
  return ClientPermit(std::move(pool), origin);
}

ClientPermit::~ClientPermit() {
  if (!use_) return;
  tenant_->connections -= 1;
  tenant_->quota->give(1);
  use_->pool().open_->add(-1);
  use_->pool().tenantChanged(*tenant_);
}

void ClientPermit::handOver() {
  if (!use_ || !tenant_->quota->handOver(tenant_.get())) return;
  tenant_->connections -= 1;
  use_->pool().open_->add(-1);
  use_->pool().tenantChanged(*tenant_);
  use_.reset();
}

// Marks an origin, which somebody uses meanwhile, as being connected to, also when the task is
// given up.
class ClientPool::Connecting {
 public:
  Connecting(ClientPool& pool, Origin& origin) : pool_(pool), origin_(origin) {
    origin_.connecting += 1;
  }
  Connecting(const Connecting&) = delete;
  Connecting& operator=(const Connecting&) = delete;
  ~Connecting() {
    origin_.connecting -= 1;
    pool_.tenantChanged(*origin_.tenant);
  }

 private:
  ClientPool& pool_;
  Origin& origin_;
};

ClientPool::ClientPool(net::Shard& shard, net::Resolver& resolver,
                       std::shared_ptr<net::TlsClientContext> tls, ClientLimits limits,
                       MetricRegistry& metrics, std::shared_ptr<ClientConnections> shared)
    : shard_(shard),
      resolver_(resolver),
      tls_(std::move(tls)),
      limits_(limits),
      connections_(std::move(shared)),
      others_(
          connections_->clients().join(shard, [this](const std::string& key) { giveRoom(key); })),
      requests_(metrics.counter("nimbus_http_client_requests_total", "Requests sent.")),
      failures_(
          metrics.counter("nimbus_http_client_failures_total", "Requests that got no response.")),
      opened_(metrics.counter("nimbus_http_client_connections_opened_total",
                              "Connections opened to servers.")),
      open_(metrics.gauge("nimbus_http_client_connections", "Open connections to servers.")),
      expiry_(shard, [this] {
        sweep_due_ = true;
        shard_.defer(*this);
      }) {}

ClientPool::~ClientPool() = default;

ClientPool::Origin& ClientPool::originFor(const ClientOriginId& id) {
  const auto entry = origins_.try_emplace(id).first;
  Origin& origin = entry->second;
  if (origin.tenant) return origin;
  origin.id = &entry->first;
  auto& tenant = tenants_[id.isolation_key];
  if (!tenant) {
    tenant = std::make_shared<ClientTenant>();
    tenant->key = id.isolation_key;
    tenant->quota = connections_->quotaOf(tenant->key);
  }
  origin.tenant = tenant;
  if (id.prior_knowledge) {
    origin.protocol = Origin::Protocol::kHttp2;
  } else if (id.scheme == Scheme::kHttp) {
    origin.protocol = Origin::Protocol::kHttp1;
  }
  return origin;
}

Task<Result<ClientConnection>> ClientPool::acquire(ClientOriginId id, ClientTarget target,
                                                   const RequestOptions& options,
                                                   Freshness freshness) {
  const TimePoint connect_deadline = deadlineAfter(shard_, options.connect_timeout);
  const TimePoint permit_deadline = deadlineAfter(shard_, limits_.permit_wait);
  Origin& origin = originFor(id);
  const ClientOriginUse use(shared_from_this(), origin);
  ClientWaiter waiter{.origin = origin, .options = options, .freshness = freshness};
  for (;;) {
    if (shut_down_) co_return fail(ErrorCode::kCancelled, "the HTTP client is shut down");
    if (auto ready = takeReady(origin, options, freshness)) co_return *std::move(ready);
    if (!mayConnect(origin, options)) {
      waiter.waits_for = ClientWaiter::For::kOrigin;
      CO_TRY_VOID(co_await waitForTurn(waiter, connect_deadline, "connecting took too long"));
    } else if (auto permit = takePermit(origin)) {
      co_return co_await connect(origin, std::move(target), *std::move(permit), options,
                                 connect_deadline);
    } else {
      askOtherShards(origin.tenant);
      waiter.waits_for = ClientWaiter::For::kPermit;
      auto resumed = co_await waitForTurn(waiter, permit_deadline, "");
      if (!resumed) {
        co_return fail(ErrorCode::kUnavailable, "no free connection: the limit of " +
                                                    std::to_string(connections_->limit()) +
                                                    " is reached");
      }
    }
  }
}

std::optional<ClientConnection> ClientPool::takeReady(Origin& origin, const RequestOptions& options,
                                                      Freshness freshness) {
  if (auto session = roomFor(origin, options)) return session;
  const Origin::Idle* found = idleFor(origin, options, freshness);
  if (found == nullptr) return std::nullopt;
  const auto entry =
      std::ranges::find_if(origin.idle, [found](const auto& idle) { return idle.get() == found; });
  const auto idle = std::move(*entry);
  origin.idle.erase(entry);
  idle->watch.reset();
  idle->connection.reused = true;
  return std::move(idle->connection);
}

// While nobody knows whether one connection will do for all, one request finds out.
bool ClientPool::mayConnect(const Origin& origin, const RequestOptions& options) const {
  if (origin.protocol == Origin::Protocol::kHttp1) return true;
  return origin.connecting == 0 && std::ranges::none_of(origin.shared, [&](const auto& shared) {
           return shared->session->willTellRoom() && mayUse(options, shared->peer);
         });
}

std::optional<ClientPermit> ClientPool::takePermit(Origin& origin) {
  if (auto permit = ClientPermit::take(shared_from_this(), origin)) return permit;
  if (!evictIdle(origin.tenant->key)) return std::nullopt;
  return ClientPermit::take(shared_from_this(), origin);
}

// The quota calls back from whatever thread gives something back. It is to know before the others
// are asked: what they have in use now goes to who waits, and what idles to who asks.
void ClientPool::askOtherShards(const std::shared_ptr<ClientTenant>& tenant) {
  constexpr Duration kAskPause = std::chrono::milliseconds(100);
  if (!std::exchange(tenant->quota_tells, true)) {
    tenant->quota->notifyOnce(tenant.get(),
                              [shard = &shard_, weak = weak_from_this(), of = std::weak_ptr(tenant),
                               quota = std::weak_ptr(tenant->quota)](bool handed) {
                                shard->post([weak, of, quota, handed] {
                                  const auto told = of.lock();
                                  if (!told) {
                                    const auto left = quota.lock();
                                    if (handed && left) left->give(1);
                                    return;
                                  }
                                  told->quota_tells = false;
                                  if (handed) told->handed += 1;
                                  if (const auto pool = weak.lock()) pool->tenantChanged(*told);
                                });
                              });
  }
  if (!others_ || shard_.now() - tenant->asked < kAskPause) return;
  tenant->asked = shard_.now();
  others_->askOthers(tenant->key);
}

void ClientPool::giveRoom(const std::string& key) {
  const auto found = tenants_.find(key);
  if (found != tenants_.end() && !found->second->quota->anyFree()) evictIdle(key);
}

bool ClientPool::evictIdle(const std::string& key) {
  const auto [first, last] = originsOf(key);
  for (auto entry = first; entry != last; ++entry) {
    Origin& origin = entry->second;
    if (!origin.idle.empty()) {
      origin.idle.erase(origin.idle.begin());
      return true;
    }
    const auto unused = std::ranges::find_if(
        origin.shared, [](const auto& shared) { return shared->session->streamCount() == 0; });
    if (unused == origin.shared.end()) continue;
    (*unused)->session->shutDown();
    origin.shared.erase(unused);
    return true;
  }
  return false;
}

Task<Result<void>> ClientPool::waitForTurn(ClientWaiter& waiter, TimePoint deadline,
                                           std::string_view what) {
  ClientTenant& tenant = *waiter.origin.tenant;
  if (!waiter.ticket) {
    if (tenant.waiting.size() >= kMaxWaiting) {
      co_return fail(ErrorCode::kUnavailable, "too many requests wait for a connection");
    }
    waiter.ticket = tenant.next_ticket++;
  }
  const Queued queued(waiter.origin.tenant, waiter);
  co_return co_await within(shard_, deadline, resumption(waiter), std::string(what));
}

// That it now waits for something else counts too, since it has another deadline then.
bool ClientPool::isWorthTrying(const ClientWaiter& waiter, bool permits_left) const {
  if (shut_down_ || roomFor(waiter.origin, waiter.options)) return true;
  if (idleFor(waiter.origin, waiter.options, waiter.freshness) != nullptr) return true;
  const bool for_permit = waiter.waits_for == ClientWaiter::For::kPermit;
  return mayConnect(waiter.origin, waiter.options) ? permits_left || !for_permit : for_permit;
}

// Everybody is looked at after every change, so that no change is lost on somebody who comes after
// one who has no use for it; but resumed, which costs far more, is only who finds something. That
// no permit is left is known once the first who wants one has tried in vain. What a resumed one
// does may end others, or bring new ones: they have had a look by themselves.
void ClientPool::resumeWaiting(ClientTenant& tenant) {
  const std::uint64_t end = tenant.next_ticket;
  bool permits_left = true;
  auto next = tenant.waiting.begin();
  while (next != tenant.waiting.end() && next->first < end) {
    const std::uint64_t ticket = next->first;
    ClientWaiter& waiter = *next->second;
    if (isWorthTrying(waiter, permits_left)) {
      waiter.resumed.set();  // it may be gone now
      const auto again = tenant.waiting.find(ticket);
      if (again != tenant.waiting.end() && again->second->waits_for == ClientWaiter::For::kPermit) {
        permits_left = false;
      }
    }
    next = tenant.waiting.upper_bound(ticket);
  }
}

Task<Result<ClientConnection>> ClientPool::connect(Origin& origin, ClientTarget target,
                                                   ClientPermit permit,
                                                   const RequestOptions& options,
                                                   TimePoint deadline) {
  const Connecting connecting(*this, origin);
  ConnectPlan plan{.target = std::move(target),
                   .check = options.check_address,
                   .tls = nullptr,
                   .alpn = {"h2", "http/1.1"},
                   .stage = options.stage};
  if (origin.id->scheme == Scheme::kHttps) {
    if (!tls_) co_return fail(ErrorCode::kUnsupported, "https is not configured");
    plan.tls = tls_;
  }
  std::string late = "connecting to \"" + origin.id->authority + "\" took too long";
  auto stream =
      co_await within(shard_, deadline, openConnection(shard_, resolver_, std::move(plan)), late);
  if (!stream) co_return std::unexpected(std::move(stream).error());
  if (shut_down_) co_return fail(ErrorCode::kCancelled, "the HTTP client is shut down");
  opened_->add();
  co_return adopt(origin, std::move(permit), *std::move(stream));
}

ClientConnection ClientPool::adopt(Origin& origin, ClientPermit permit,
                                   std::unique_ptr<net::Stream> stream) {
  const bool http2 = origin.id->prior_knowledge || stream->peer().alpn == "h2";
  origin.protocol = http2 ? Origin::Protocol::kHttp2 : Origin::Protocol::kHttp1;
  if (!http2) return Http1Connection{std::move(stream), std::move(permit)};
  auto changed = [weak = weak_from_this(), id = *origin.id] {
    const auto pool = weak.lock();
    const auto entry = pool ? pool->origins_.find(id) : Origins::iterator();
    if (!pool || entry == pool->origins_.end()) return;
    pool->originChanged(entry->second);
    pool->tenantChanged(*entry->second.tenant);
  };
  std::string peer = stream->peer().address;
  auto session = Http2ClientSession::start(shard_, std::move(stream), limits_.max_header_bytes,
                                           std::move(changed));
  origin.shared.push_back(std::make_unique<Origin::Shared>(
      Origin::Shared{session, std::move(peer), std::move(permit)}));
  return session;
}

// Whether a connection that is free should go to another shard, where somebody waits for one. Those
// who wait here come first, but for every eighth time.
bool ClientPool::isWantedElsewhere(ClientTenant& tenant) {
  constexpr std::size_t kTurns = 8;
  if (!tenant.quota->othersWait(&tenant)) return false;
  return tenant.waiting.empty() || ++tenant.kept % kTurns == 0;
}

void ClientPool::release(const ClientOriginId& id, Http1Connection connection) {
  if (shut_down_) return;
  Origin& origin = originFor(id);
  if (limits_.max_idle_per_authority == 0) return;
  if (isWantedElsewhere(*origin.tenant)) {
    connection.stream.reset();
    connection.permit.handOver();
    return;
  }
  if (origin.idle.size() >= limits_.max_idle_per_authority) origin.idle.erase(origin.idle.begin());
  origin.idle.push_back(std::make_unique<Origin::Idle>(
      Origin::Idle{std::move(connection), shard_.now(), false, std::nullopt}));
  Origin::Idle& idle = *origin.idle.back();
  idle.watch.emplace(watchIdle(origin, idle));
  idle.watch->start();
  scheduleSweep(idle.since + limits_.idle_timeout);
  tenantChanged(*origin.tenant);
}

// Whatever ends the wait makes the connection useless: its end, or bytes that answer nothing.
Task<void> ClientPool::watchIdle(Origin& origin, Origin::Idle& idle) {
  (void)co_await idle.connection.stream->readable();
  idle.dead = true;
  originChanged(origin);
}

void ClientPool::originChanged(Origin& origin) {
  if (!std::exchange(origin.dirty, true)) dirty_origins_.push_back(&origin);
  shard_.defer(*this);
}

std::pair<ClientPool::Origins::iterator, ClientPool::Origins::iterator> ClientPool::originsOf(
    const std::string& key) {
  const auto first = origins_.lower_bound({key, Scheme::kHttp, "", false});
  const auto last = std::find_if(
      first, origins_.end(), [&](const auto& entry) { return entry.first.isolation_key != key; });
  return {first, last};
}

ClientPool::Origins::iterator ClientPool::eraseOrigin(Origins::iterator entry) {
  if (entry->second.dirty) std::erase(dirty_origins_, &entry->second);
  return origins_.erase(entry);
}

void ClientPool::tenantChanged(ClientTenant& tenant) {
  const auto found = tenants_.find(tenant.key);
  if (found == tenants_.end() || found->second.get() != &tenant) return;
  if (std::ranges::find(changed_tenants_, found->second) == changed_tenants_.end()) {
    changed_tenants_.push_back(found->second);
  }
  shard_.defer(*this);
}

void ClientPool::runDeferred() {
  const auto self = shared_from_this();
  if (std::exchange(sweep_due_, false)) sweepAll();
  sweepDirty();
  for (const auto& tenant : std::exchange(changed_tenants_, {})) {
    resumeWaiting(*tenant);
    if (tenant->waiting.empty() && tenant->handed > 0)
      tenant->quota->give(std::exchange(tenant->handed, 0));
    forgetTenantIfUnused(tenant->key);
  }
}

void ClientPool::forgetTenantIfUnused(const std::string& key) {
  const auto found = tenants_.find(key);
  if (found == tenants_.end()) return;
  if (found->second->connections > 0 || !found->second->waiting.empty()) return;
  const auto [first, last] = originsOf(key);
  if (std::any_of(first, last, [](const auto& entry) { return entry.second.users > 0; })) return;
  for (auto entry = first; entry != last;) entry = eraseOrigin(entry);
  tenants_.erase(found);
}

// Not more often than makes sense: there may be many thousand origins.
void ClientPool::scheduleSweep(TimePoint when) {
  const Duration pause = std::min<Duration>(std::chrono::seconds(1), limits_.idle_timeout / 4);
  when = std::max(when, shard_.now() + pause);
  if (when >= next_sweep_) return;
  next_sweep_ = when;
  expiry_.armAt(when);
}

void ClientPool::sweepAll() {
  next_sweep_ = TimePoint::max();
  for (auto& [id, origin] : origins_) {
    if (!std::exchange(origin.dirty, true)) dirty_origins_.push_back(&origin);
  }
}

void ClientPool::sweepDirty() {
  for (Origin* origin : std::exchange(dirty_origins_, {})) {
    origin->dirty = false;
    sweepOrigin(*origin);
    if (origin->users == 0) eraseOrigin(origins_.find(*origin->id));
  }
}

void ClientPool::sweepOrigin(Origin& origin) {
  const TimePoint now = shard_.now();
  std::erase_if(origin.idle, [&](const auto& idle) {
    return idle->dead || now - idle->since >= limits_.idle_timeout;
  });
  if (!origin.idle.empty()) scheduleSweep(origin.idle.front()->since + limits_.idle_timeout);
  for (const auto& shared : origin.shared) {
    Http2ClientSession& session = *shared->session;
    if (session.isDone() || session.streamCount() > 0) continue;
    if (isWantedElsewhere(*origin.tenant)) {
      session.shutDown();
      shared->permit.handOver();
    } else if (now - session.idleSince() >= limits_.idle_timeout) {
      session.shutDown();
    } else {
      scheduleSweep(session.idleSince() + limits_.idle_timeout);
    }
  }
  std::erase_if(origin.shared, [](const auto& shared) { return shared->session->isDone(); });
}

void ClientPool::forget(const std::string& isolation_key) {
  const auto [first, last] = originsOf(isolation_key);
  for (auto entry = first; entry != last; ++entry) {
    Origin& origin = entry->second;
    origin.idle.clear();
    for (const auto& shared : origin.shared) {
      if (shared->session->streamCount() == 0) shared->session->shutDown();
    }
    originChanged(origin);
  }
}

void ClientPool::shutDown() {
  shut_down_ = true;
  others_.reset();
  expiry_.disarm();
  for (auto& [id, origin] : origins_) {
    origin.idle.clear();
    for (const auto& shared : origin.shared) shared->session->shutDown();
    origin.shared.clear();
    tenantChanged(*origin.tenant);
  }
}

}  // namespace nimbus::http
