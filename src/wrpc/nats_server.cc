#include "wrpc/nats_server.h"

#include <deque>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "base/race.h"
#include "base/rate_limit.h"
#include "base/sync.h"
#include "base/text.h"
#include "wrpc/nats_served_call.h"
#include "wrpc/nats_status.h"
#include "wrpc/nats_subject.h"

namespace nimbus::wrpc {
namespace {

constexpr std::uint32_t kMaxRecordsPerSecond = 10;

// How long subscribing may take.
constexpr Duration kSubscribeTimeout = std::chrono::seconds(10);

class Server final : public NatsServer, private nats::Subscriber {
 public:
  Server(net::Shard& shard, std::shared_ptr<nats::Connection> connection,
         std::shared_ptr<Invoker> invoker, NatsServerOptions options, Logger& log)
      : shard_(shard),
        connection_(std::move(connection)),
        invoker_(std::move(invoker)),
        options_(std::move(options)),
        log_(log, kMaxRecordsPerSecond),
        inbox_(connection_->newInbox() + "."),
        sessions_(shard, *invoker_, options_.resource_lease, options_.max_consumers),
        environment_{shard_, *connection_, options_, sessions_, budget_} {}

  Result<void> subscribe() {
    TRY(inbox_subscription_, connection_->subscribe(shard_, {.subject = inbox_ + ">"}, *this));
    for (const auto& [instance, function] : options_.functions) {
      const FunctionName name{instance, function};
      TRY(const FunctionId id, invoker_->resolve(name));
      TRY(std::string subject, invocationSubject(options_.prefix, name));
      Endpoint& endpoint = endpoints_.emplace_back(
          *this, NatsServedFunction{id, name.text(), invoker_->parameters(id)});
      TRY(endpoint.subscription,
          connection_->subscribe(
              shard_, {.subject = std::move(subject), .queue_group = options_.queue_group},
              endpoint));
    }
    return {};
  }

  Task<void> drain(Duration bound) override {
    endpoints_.clear();
    (void)co_await race(running_.empty(), shard_.sleepFor(bound));
    running_.cancelAll();
  }
  [[nodiscard]] std::size_t callCount() const override { return calls_.size(); }

 private:
  // One function that is served.
  struct Endpoint final : nats::Subscriber {
    Endpoint(Server& of, NatsServedFunction served) : server(of), function(std::move(served)) {}
    void received(nats::Message message) override { server.invoked(function, std::move(message)); }
    void noResponders() override {}
    void lost(Error why) override { server.reportLoss(function.name, std::move(why)); }

    Server& server;
    const NatsServedFunction function;
    std::unique_ptr<nats::Subscription> subscription;
  };

  // A call's registration.
  class Registered {
   public:
    Registered(Server& server, std::uint64_t number, NatsServedCall& call)
        : server_(server), number_(number) {
      server_.calls_.emplace(number_, &call);
    }
    Registered(const Registered&) = delete;
    Registered& operator=(const Registered&) = delete;
    ~Registered() { server_.calls_.erase(number_); }

   private:
    Server& server_;
    const std::uint64_t number_;
  };

  void invoked(const NatsServedFunction& function, nats::Message message) {
    if (message.reply().empty()) {
      log_.debug("a NATS call without a reply subject is ignored", {{"function", function.name}});
      return;
    }
    if (calls_.size() >= options_.max_calls) return refuse(function, message);
    running_.spawn(serve(function, std::move(message)));
  }

  void refuse(const NatsServedFunction& function, const nats::Message& message) {
    (void)connection_->publish(std::string(message.reply()), {},
                               statusHeaders(ErrorCode::kUnavailable), {});
    log_.warn("a NATS call is refused: too many run",
              {{"function", function.name}, {"running", std::to_string(calls_.size())}});
  }

  Task<void> serve(NatsServedFunction function, nats::Message message) {
    const std::uint64_t number = ++started_;
    NatsServedCall call(environment_, function, inbox_ + std::to_string(number), message);
    const Registered registered(*this, number, call);
    const auto served = co_await call.run(std::move(message));
    if (!served) {
      log_.warn("a NATS call failed",
                {{"function", function.name}, {"error", served.error().describe()}});
    }
  }

  // Parameters, for calls that may have ended: "<inbox>.<number>.params…".
  void received(nats::Message message) override {
    std::string_view subject = message.subject();
    subject.remove_prefix(std::min(inbox_.size(), subject.size()));
    const std::string_view token = subject.substr(0, subject.find('.'));
    const auto number = parseDecimal(token);
    const auto found = number ? calls_.find(*number) : calls_.end();
    if (found == calls_.end()) return;
    found->second->received(subject.substr(token.size()), std::move(message));
  }
  void noResponders() override {}
  void lost(Error why) override { reportLoss("parameters", std::move(why)); }
  void reportLoss(const std::string& of, Error why) {
    log_.warn("NATS messages were lost", {{"of", of}, {"error", why.describe()}});
  }

  net::Shard& shard_;
  const std::shared_ptr<nats::Connection> connection_;
  const std::shared_ptr<Invoker> invoker_;
  const NatsServerOptions options_;
  LimitedLogger log_;
  const std::string inbox_;
  NatsSessions sessions_;
  const std::shared_ptr<ByteBudget> budget_ =
      std::make_shared<ByteBudget>(options_.max_buffered_bytes);
  const NatsServedEnvironment environment_;
  std::uint64_t started_ = 0;
  std::unordered_map<std::uint64_t, NatsServedCall*> calls_;
  std::unique_ptr<nats::Subscription> inbox_subscription_;
  std::deque<Endpoint> endpoints_;
  TaskSet running_;  // last, so that calls go first
};

}  // namespace

Task<Result<std::unique_ptr<NatsServer>>> makeNatsServer(
    net::Shard& shard, std::shared_ptr<nats::Connection> connection,
    std::shared_ptr<Invoker> invoker, NatsServerOptions options, Logger& log) {
  auto server =
      std::make_unique<Server>(shard, connection, std::move(invoker), std::move(options), log);
  CO_TRY_VOID(server->subscribe());
  CO_TRY_VOID(co_await connection->flush(shard, kSubscribeTimeout));
  co_return std::unique_ptr<NatsServer>(std::move(server));
}

}  // namespace nimbus::wrpc
