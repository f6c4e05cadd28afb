#pragma once

#include <atomic>
#include <deque>
#include <latch>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "nats/connect_options.h"
#include "nats/subscription_state.h"
#include "net/foreign_watch.h"
#include "net/shard.h"

struct __natsConnection;  // NOLINT(bugprone-reserved-identifier)
struct __natsStatistics;  // NOLINT(bugprone-reserved-identifier)
struct __natsOptions;     // NOLINT(bugprone-reserved-identifier)

namespace nimbus::nats {

// A libnats connection that lives in the loop of one shard, its home: the shard reads its socket
// when there is input and writes it at the end of a turn, all publications of that turn at once. So
// a message costs no change of threads, and no thread of libnats' runs between calls. Internal to
// src/nats; Connection is its public face.
//
// libnats' delivery threads are not used: subscriptions are of its synchronous kind, and emptied
// after each read. Those that were active last are looked at first, until as many messages were
// found as the read has brought.
//
// connect(), flush() and end() block and are for the connection's worker thread. publish() and
// subscribe() may be called on any shard, the rest says where.
class Link final : public std::enable_shared_from_this<Link>,
                   private net::ForeignWatch::Owner,
                   private net::Deferred {
 public:
  Link(net::Shard& home, ConnectOptions options, Logger& logger);
  ~Link() override;

  [[nodiscard]] Result<void> connect();
  // Everything published before has reached the server.
  [[nodiscard]] Result<void> flush(Duration timeout);
  // After stopOnHome(). No call-back of libnats runs after it has returned. What libnats has of the
  // connection stays as long as this object: other shards may be about to publish.
  void end();

  // Home shard: writes what can be written, ends all subscriptions, looks at the socket no more.
  void stopOnHome();

  [[nodiscard]] Result<void> publish(const std::string& subject, const std::string& reply,
                                     ByteView payload);
  [[nodiscard]] Result<void> publishWithHeaders(
      const std::string& subject, const std::string& reply,
      const std::vector<std::pair<std::string, std::string>>& headers, ByteView payload);
  [[nodiscard]] Result<std::shared_ptr<Subscription::State>> subscribe(
      net::Shard& shard, const SubscribeOptions& options, Subscriber& subscriber);
  void unsubscribe(std::shared_ptr<Subscription::State> state);

  [[nodiscard]] net::Shard& home() const { return home_; }
  [[nodiscard]] const ConnectOptions& options() const { return options_; }
  [[nodiscard]] bool connected() const { return connected_.load(std::memory_order_relaxed); }
  [[nodiscard]] std::size_t maxPayload() const;
  [[nodiscard]] std::size_t buffered() const;
  [[nodiscard]] bool wasForbidden(std::string_view subject, TimePoint since) const;

 private:
  // What libnats calls, on threads of its own or within our calls.
  struct CallBacks;
  void attached(__natsConnection* raw, int fd);
  void detachedFromSocket();
  void wantsWrite(bool wanted);
  void noteError(std::string_view text);

  // Home shard.
  void watchSocket(int fd, unsigned generation);
  void readable() override;
  void writable() override { write(); }
  void runDeferred() override { write(); }
  void write();
  void collect();
  std::size_t collectFrom(Subscription::State& state);
  void list(std::shared_ptr<Subscription::State> state);
  void release(Subscription::State& state);

  [[nodiscard]] Result<void> mayPublish() const;

  net::Shard& home_;
  const ConnectOptions options_;
  Logger& logger_;
  __natsConnection* raw_ = nullptr;
  std::atomic<bool> connected_ = false;
  std::atomic<bool> ending_ = false;  // by us
  std::atomic<bool> ended_ = false;
  std::atomic<bool> wants_write_ = false;
  std::atomic<unsigned> generation_ = 0;  // of the socket: one per successful connect
  std::latch closed_{1};

  // Subjects that the server did not let us publish to, the last one last; some of them.
  mutable std::mutex forbidden_mutex_;
  std::deque<std::pair<std::string, TimePoint>> forbidden_;

  // Of the home shard.
  std::unique_ptr<net::ForeignWatch> watch_;
  unsigned watched_generation_ = 0;
  bool stopped_ = false;
  std::list<std::shared_ptr<Subscription::State>> subscriptions_;  // the last active one first
  __natsStatistics* statistics_ = nullptr;
  std::uint64_t messages_seen_ = 0;
  std::vector<std::pair<std::shared_ptr<Subscription::State>, Subscription::State::News>> batch_;
};

// Options as libnats wants them, without the call-backs; the caller destroys them.
[[nodiscard]] Result<__natsOptions*> toLibraryOptions(const ConnectOptions& options);

// A status of libnats as an error of ours: "what: the library's text".
[[nodiscard]] Error describeStatus(const std::string& what, int status);

}  // namespace nimbus::nats
