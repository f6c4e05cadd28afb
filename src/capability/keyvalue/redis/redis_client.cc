#include "capability/keyvalue/redis/redis_client.h"

#include <latch>
#include <utility>

#include "base/check.h"
#include "capability/keyvalue/redis/redis_link.h"

namespace nimbus::keyvalue {
namespace {

// Nobody waits for the call any more.
class Abandon {
 public:
  explicit Abandon(RedisCall& call) : call_(call) {}
  Abandon(const Abandon&) = delete;
  Abandon& operator=(const Abandon&) = delete;
  ~Abandon() { call_.abandoned = true; }

 private:
  RedisCall& call_;
};

// ShardGroup::runOn() for threads that may be a shard's: this one waits for nobody else.
void runOnLinkShard(net::Shard& shard, std::move_only_function<void()> work) {
  NIMBUS_CHECK(net::Shard::current() != &shard);
  std::latch done(1);
  shard.post([&] {
    work();
    done.count_down();
  });
  done.wait();
}

}  // namespace

Result<std::shared_ptr<RedisClient>> RedisClient::start(const RedisOptions& options) {
  TRY_VOID(checkRedisOptions(options));
  RedisTarget target{.options = options, .place = {}, .tls = nullptr};
  TRY(target.place, RedisPlace::parse(options.url));
  if (target.place.tls) {
    TRY(target.tls, net::makeTlsClientContext(options.tls));
  }
  std::shared_ptr<RedisClient> client(new RedisClient);
  TRY(client->group_, net::ShardGroup::start(1));
  net::Shard& shard = (*client->group_)[0];
  Result<void> started;
  runOnLinkShard(shard, [&] {
    auto link = RedisLink::start(shard, std::make_shared<const RedisTarget>(std::move(target)),
                                 client->queue_);
    if (link) {
      client->link_ = *std::move(link);
    } else {
      started = std::unexpected(std::move(link).error());
    }
  });
  TRY_VOID(started);
  return client;
}

RedisClient::~RedisClient() {
  if (group_ == nullptr) return;
  runOnLinkShard((*group_)[0], [this] { link_.reset(); });
}

Task<Result<RedisReply>> RedisClient::call(RedisCommand command) {
  const auto call = std::make_shared<RedisCall>(*net::Shard::current(), std::move(command));
  const Abandon abandon(*call);
  CO_TRY(const bool first, queue_.add(call));
  if (first) (*group_)[0].post([this] { link_->wake(); });
  co_return co_await call->arrived.wait();
}

}  // namespace nimbus::keyvalue
