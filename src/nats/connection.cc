#include "nats/connection.h"

#include <sys/random.h>

#include <array>
#include <latch>
#include <system_error>

#include "base/check.h"
#include "base/sync.h"
#include "base/thread_error.h"
#include "nats/link.h"
#include "nats/worker.h"

namespace nimbus::nats {
namespace {

// Runs `job` on the worker and gives its result to the task on the shard.
template <typename T>
Task<T> onWorker(Worker& worker, net::Shard& shard, std::move_only_function<T()> job) {
  auto answer = std::make_shared<OneShot<T>>();
  worker.run([&shard, answer, job = std::move(job)]() mutable {
    auto result = std::make_shared<T>(job());
    shard.post([answer = std::move(answer), result] { answer->set(std::move(*result)); });
  });
  co_return co_await answer->wait();
}

}  // namespace

const std::string Connection::kNoReply;

Connection::Connection(std::shared_ptr<Link> link)
    : link_(std::move(link)), worker_(std::make_unique<Worker>()) {}

Task<Result<std::shared_ptr<Connection>>> Connection::connect(net::Shard& home,
                                                              ConnectOptions options,
                                                              Logger& logger) {
  std::shared_ptr<Connection> connection;
  try {
    connection =
        std::make_shared<Connection>(std::make_shared<Link>(home, std::move(options), logger));
  } catch (const std::system_error& error) {
    co_return failThread(error);
  }
  CO_TRY_VOID(co_await onWorker<Result<void>>(
      *connection->worker_, home, [link = connection->link_] { return link->connect(); }));
  co_return connection;
}

Task<void> Connection::close() {
  if (std::exchange(closed_, true)) co_return;
  link_->stopOnHome();
  co_await onWorker<bool>(*worker_, link_->home(), [link = link_] {
    link->end();
    return true;
  });
}

Connection::~Connection() {
  if (closed_) return;
  if (link_->home().onThread()) {
    link_->stopOnHome();
  } else {
    std::latch stopped(1);
    link_->home().post([this, &stopped] {
      link_->stopOnHome();
      stopped.count_down();
    });
    stopped.wait();
  }
  // Behind an attempt to connect, if one is under way.
  worker_->run([link = link_] { link->end(); });
}

Result<void> Connection::publish(const std::string& subject, const std::string& reply,
                                 ByteView payload) {
  return link_->publish(subject, reply, payload);
}

Result<void> Connection::publish(const std::string& subject, const std::string& reply,
                                 const Headers& headers, ByteView payload) {
  if (headers.empty()) return link_->publish(subject, reply, payload);
  return link_->publishWithHeaders(subject, reply, headers, payload);
}

Result<std::unique_ptr<Subscription>> Connection::subscribe(net::Shard& shard,
                                                            const SubscribeOptions& options,
                                                            Subscriber& subscriber) {
  TRY(auto state, link_->subscribe(shard, options, subscriber));
  return std::make_unique<Subscription>(link_, std::move(state));
}

Task<Result<void>> Connection::flush(net::Shard& shard, Duration timeout) {
  return onWorker<Result<void>>(*worker_, shard,
                                [link = link_, timeout] { return link->flush(timeout); });
}

bool Connection::connected() const { return link_->connected(); }
std::size_t Connection::maxPayload() const { return link_->maxPayload(); }
std::size_t Connection::bufferedBytes() const { return link_->buffered(); }
bool Connection::wasForbidden(std::string_view subject, TimePoint since) const {
  return link_->wasForbidden(subject, since);
}

std::string Connection::newInbox() const {
  static constexpr std::string_view kAlphabet =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_-";
  std::array<std::uint8_t, 22> random;
  NIMBUS_CHECK(::getrandom(random.data(), random.size(), 0) == static_cast<ssize_t>(random.size()));
  std::string inbox = link_->options().inbox_prefix + ".";
  for (const std::uint8_t byte : random) inbox += kAlphabet[byte % kAlphabet.size()];
  return inbox;
}

}  // namespace nimbus::nats
