#include "http/client.h"

#include <utility>

#include "http/client_pool.h"
#include "http/http1_client.h"
#include "http/http2_client.h"

namespace nimbus::http {
namespace {

// Tries the request once on this connection.
Task<ExchangeResult> exchangeOn(std::shared_ptr<ClientPool> pool, ClientOriginId origin,
                                ClientConnection connection, ClientRequest request) {
  if (auto* session = std::get_if<std::shared_ptr<Http2ClientSession>>(&connection)) {
    const auto kept = *session;
    co_return co_await kept->exchange(request);
  }
  auto release = [pool, origin](Http1Connection idle) { pool->release(origin, std::move(idle)); };
  auto exchange = std::make_unique<Http1Exchange>(
      pool->shard(), std::move(std::get<Http1Connection>(connection)),
      pool->limits().max_header_bytes, std::move(release));
  auto started = co_await exchange->start(request);
  if (started)
    co_return ExchangeResult{std::unique_ptr<ClientResponse>(std::move(exchange)), false};
  const bool may_retry = exchange->wasStale() && request.body == nullptr &&
                         isIdempotent(request.head.method) &&
                         started.error().code() == ErrorCode::kIo;
  co_return ExchangeResult{std::unexpected(std::move(started).error()), may_retry};
}

class PooledClient final : public Client {
 public:
  explicit PooledClient(std::shared_ptr<ClientPool> pool) : pool_(std::move(pool)) {}
  ~PooledClient() override { pool_->shutDown(); }

  Task<Result<std::unique_ptr<ClientResponse>>> send(RequestHead head, BodyReader* body,
                                                     RequestOptions options) override {
    return sendOn(pool_, std::move(head), body, std::move(options));
  }

  void forget(const std::string& isolation_key) override { pool_->forget(isolation_key); }

 private:
  // Not a member function: the client may go while a request of it is under way.
  static Task<Result<std::unique_ptr<ClientResponse>>> sendOn(std::shared_ptr<ClientPool> pool,
                                                              RequestHead head, BodyReader* body,
                                                              RequestOptions options) {
    enter(options, ClientStage::kCheck);
    CO_TRY(const RequestFraming framing, checkRequest(head, body));
    CO_TRY(const ClientTarget target, parseTarget(head.scheme, head.authority));
    const bool none = body == nullptr || body->empty();
    const ClientRequest request{head, framing, none ? nullptr : body, options};
    const ClientOriginId origin{options.isolation_key, head.scheme, head.authority,
                                head.scheme == Scheme::kHttp && isGrpc(head)};
    pool->requests().add();
    auto freshness = ClientPool::Freshness::kAny;
    for (;;) {
      enter(options, ClientStage::kQueue);
      auto connection = co_await pool->acquire(origin, target, options, freshness);
      if (!connection) {
        pool->failures().add();
        co_return std::unexpected(std::move(connection).error());
      }
      enter(options, ClientStage::kAnswer);
      ExchangeResult result = co_await exchangeOn(pool, origin, *std::move(connection), request);
      if (result.response) co_return std::move(result.response);
      if (!result.may_retry || freshness == ClientPool::Freshness::kFresh) {
        pool->failures().add();
        co_return std::unexpected(std::move(result.response).error());
      }
      freshness = ClientPool::Freshness::kFresh;
    }
  }

  static void enter(const RequestOptions& options, ClientStage stage) {
    if (options.stage != nullptr) *options.stage = stage;
  }

  std::shared_ptr<ClientPool> pool_;
};

}  // namespace

std::unique_ptr<Client> makeClient(net::Shard& shard, net::Resolver& resolver,
                                   std::shared_ptr<net::TlsClientContext> tls, ClientLimits limits,
                                   MetricRegistry& metrics,
                                   std::shared_ptr<ClientConnections> shared) {
  if (!shared) shared = std::make_shared<ClientConnections>(limits.max_connections_per_key);
  return std::make_unique<PooledClient>(std::make_shared<ClientPool>(
      shard, resolver, std::move(tls), limits, metrics, std::move(shared)));
}

}  // namespace nimbus::http
