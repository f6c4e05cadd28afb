#include "nats/link.h"

#include <nats/nats.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "base/text.h"

namespace nimbus::nats {
namespace {

Error closedError() { return {ErrorCode::kUnavailable, "not connected to a NATS server"}; }

std::string connectedServer(natsConnection* raw) {
  std::array<char, 256> id{};
  return natsConnection_GetConnectedServerId(raw, id.data(), id.size()) == NATS_OK ? id.data() : "";
}

// libnats 3.4 leaves out a signature whose first byte is 0, one of 256. The server wants another
// thing signed each time.
constexpr int kMaxSignedAgain = 2;

}  // namespace

// libnats' call-backs; each is a thin way into a link. `closure` and `user` are the link, which
// outlives them: end() waits for the last one.
struct Link::CallBacks {
  static natsStatus attach(void** user, void* loop, natsConnection* raw, natsSock socket) {
    *user = loop;
    static_cast<Link*>(loop)->attached(raw, socket);
    return NATS_OK;
  }
  static natsStatus read(void* user, bool add) {
    if (!add) static_cast<Link*>(user)->detachedFromSocket();
    return NATS_OK;
  }
  static natsStatus write(void* user, bool add) {
    static_cast<Link*>(user)->wantsWrite(add);
    return NATS_OK;
  }
  static natsStatus detach(void* /*user*/) { return NATS_OK; }

  static void disconnected(natsConnection* /*raw*/, void* closure) {
    auto& link = *static_cast<Link*>(closure);
    if (link.ending_) return;
    link.logger_.warn("lost the connection to the NATS server", {{"name", link.options_.name}});
  }
  static void reconnected(natsConnection* raw, void* closure) {
    auto& link = *static_cast<Link*>(closure);
    link.logger_.info("connected to a NATS server again",
                      {{"name", link.options_.name}, {"server", connectedServer(raw)}});
  }
  static void lameDuck(natsConnection* raw, void* closure) {
    auto& link = *static_cast<Link*>(closure);
    link.logger_.info("the NATS server is about to stop",
                      {{"name", link.options_.name}, {"server", connectedServer(raw)}});
  }
  static void failed(natsConnection* raw, natsSubscription* /*subscription*/, natsStatus status,
                     void* closure) {
    auto& link = *static_cast<Link*>(closure);
    const char* last = nullptr;
    natsConnection_GetLastError(raw, &last);
    const std::string text = last != nullptr && *last != 0 ? last : natsStatus_GetText(status);
    link.noteError(text);
    link.logger_.warn("NATS reports an error", {{"name", link.options_.name}, {"error", text}});
  }
  static void closed(natsConnection* /*raw*/, void* closure) {
    auto& link = *static_cast<Link*>(closure);
    link.connected_ = false;
    link.logger_.debug("the NATS connection is closed", {{"name", link.options_.name}});
    link.closed_.count_down();
  }

  static natsStatus set(natsOptions* options, Link* link) {
    natsStatus status = natsOptions_SetEventLoop(options, link, attach, read, write, detach);
    if (status == NATS_OK) status = natsOptions_SetDisconnectedCB(options, disconnected, link);
    if (status == NATS_OK) status = natsOptions_SetReconnectedCB(options, reconnected, link);
    if (status == NATS_OK) status = natsOptions_SetLameDuckModeCB(options, lameDuck, link);
    if (status == NATS_OK) status = natsOptions_SetErrorHandler(options, failed, link);
    if (status == NATS_OK) status = natsOptions_SetClosedCB(options, closed, link);
    return status;
  }
};

Link::Link(net::Shard& home, ConnectOptions options, Logger& logger)
    : home_(home), options_(std::move(options)), logger_(logger) {}

Link::~Link() {
  NIMBUS_CHECK(raw_ == nullptr || ended_);
  natsConnection_Destroy(raw_);  // closed already: gives its memory back
  natsStatistics_Destroy(statistics_);
}

Result<void> Link::connect() {
  TRY(natsOptions* const options, toLibraryOptions(options_));
  natsStatus status = CallBacks::set(options, this);
  if (status == NATS_OK) status = natsStatistics_Create(&statistics_);
  natsConnection* made = nullptr;
  if (status == NATS_OK) status = natsConnection_Connect(&made, options);
  const bool signs = !options_.credentials_file.empty() || !options_.nkey.empty();
  for (int again = 0; signs && status == NATS_CONNECTION_AUTH_FAILED && again < kMaxSignedAgain;
       ++again) {
    raw_ = nullptr;
    status = natsConnection_Connect(&made, options);
  }
  natsOptions_Destroy(options);
  if (status != NATS_OK) {
    raw_ = nullptr;
    return std::unexpected(describeStatus("cannot connect to NATS", status));
  }
  logger_.info("connected to a NATS server",
               {{"name", options_.name}, {"server", connectedServer(made)}});
  return {};
}

Result<void> Link::flush(Duration timeout) {
  const auto limit = std::chrono::ceil<std::chrono::milliseconds>(timeout).count();
  const natsStatus status = natsConnection_FlushTimeout(raw_, std::max<std::int64_t>(limit, 1));
  if (status == NATS_OK) return {};
  return std::unexpected(describeStatus("cannot reach the NATS server", status));
}

void Link::end() {
  if (raw_ == nullptr) return;
  ending_ = true;
  connected_ = false;
  natsConnection_Close(raw_);
  closed_.wait();
  ended_ = true;
}

// What libnats tells, on any thread:

void Link::attached(natsConnection* raw, int fd) {
  if (raw_ == nullptr) raw_ = raw;  // the same one each time; connect() may not have returned yet
  const unsigned generation = ++generation_;
  connected_ = true;
  // A copy, because libnats closes its own when it likes.
  const int copy = ::dup(fd);
  home_.post(
      [self = shared_from_this(), copy, generation] { self->watchSocket(copy, generation); });
}

void Link::detachedFromSocket() {
  connected_ = false;
  home_.post([self = shared_from_this(), generation = generation_.load()] {
    if (self->watched_generation_ == generation) self->watch_ = nullptr;
  });
}

void Link::wantsWrite(bool wanted) {
  wants_write_ = wanted;
  if (!wanted) return;
  if (home_.onThread()) {
    home_.defer(*this);
  } else {
    home_.post([self = shared_from_this()] { self->write(); });
  }
}

// The server names the subject and nothing else: Permissions Violation for Publish to "a.b".
void Link::noteError(std::string_view text) {
  constexpr std::string_view kForbidden = "ermissions violation for publish to \"";
  constexpr std::size_t kMaxForbidden = 64;
  const std::size_t at = lowerAscii(text).find(kForbidden);
  if (at == std::string::npos) return;
  const std::string_view rest = text.substr(at + kForbidden.size());
  const std::lock_guard lock(forbidden_mutex_);
  forbidden_.emplace_back(rest.substr(0, rest.find('"')), std::chrono::steady_clock::now());
  if (forbidden_.size() > kMaxForbidden) forbidden_.pop_front();
}

// On the home shard:

void Link::watchSocket(int fd, unsigned generation) {
  UniqueFd owned(fd);
  // A socket that is newer than this one may have been attached meanwhile.
  if (stopped_ || generation != generation_) return;
  auto watch = net::ForeignWatch::open(home_, std::move(owned), *this);
  if (!watch) {
    logger_.error("cannot watch the NATS connection", {{"error", watch.error().describe()}});
    return;
  }
  watch_ = std::move(*watch);
  watched_generation_ = generation;
  write();  // what was published while nobody watched
}

void Link::write() {
  // To libnats, writing nothing looks like a closed connection.
  if (watch_ == nullptr || !wants_write_) return;
  natsConnection_ProcessWriteEvent(raw_);
  // libnats says in that call when nothing is left.
  if (watch_ == nullptr) return;
  watch_->setWriting(wants_write_ ? net::ForeignWatch::Writing::kWanted
                                  : net::ForeignWatch::Writing::kNotWanted);
}

void Link::readable() {
  const auto self = shared_from_this();  // a subscriber may let the connection go
  natsConnection_ProcessReadEvent(raw_);
  collect();
  // Moved out: a subscriber may be told of more within.
  auto batch = std::exchange(batch_, {});
  for (auto& [state, news] : batch) state->deliver(std::move(news));
  batch.clear();
  if (batch_.empty()) batch_ = std::move(batch);  // keeps its memory
}

void Link::collect() {
  if (natsConnection_GetStats(raw_, statistics_) != NATS_OK) return;
  std::uint64_t received = 0;
  natsStatistics_GetCounts(statistics_, &received, nullptr, nullptr, nullptr, nullptr);
  std::uint64_t missing = received - std::exchange(messages_seen_, received);
  for (auto next = subscriptions_.begin(); next != subscriptions_.end() && missing > 0;) {
    const auto current = next++;
    const std::size_t found = collectFrom(**current);
    if (found == 0) continue;
    missing -= std::min<std::uint64_t>(missing, found);
    subscriptions_.splice(subscriptions_.begin(), subscriptions_, current);
  }
}

std::size_t Link::collectFrom(Subscription::State& state) {
  int count = 0;
  int bytes = 0;
  if (natsSubscription_GetPending(state.raw, &count, &bytes) != NATS_OK) return 0;
  const auto found = static_cast<std::size_t>(count);
  while (count > 0) {
    natsMsg* message = nullptr;
    const natsStatus status = natsSubscription_NextMsg(&message, state.raw, 0);
    if (status == NATS_OK) {
      batch_.emplace_back(state.shared_from_this(), Message(message));
      count -= 1;
    } else if (status == NATS_NO_RESPONDERS) {
      batch_.emplace_back(state.shared_from_this(), Subscription::State::NoResponders{});
      count -= 1;
    } else if (status == NATS_SLOW_CONSUMER) {
      batch_.emplace_back(state.shared_from_this(), Subscription::State::Lost{});
    } else {
      break;
    }
  }
  return found;
}

void Link::list(std::shared_ptr<Subscription::State> state) {
  if (stopped_) return release(*state);
  state->place = subscriptions_.insert(subscriptions_.begin(), state);
  state->listed = true;
  // What came before it was listed.
  collectFrom(*state);
  auto batch = std::exchange(batch_, {});
  for (auto& [of, news] : batch) of->deliver(std::move(news));
}

void Link::release(Subscription::State& state) {
  if (state.listed) subscriptions_.erase(state.place);
  state.listed = false;
  natsSubscription_Destroy(std::exchange(state.raw, nullptr));
}

void Link::stopOnHome() {
  stopped_ = true;
  connected_ = false;
  while (!subscriptions_.empty()) {
    const auto state = subscriptions_.front();
    release(*state);
  }
  write();
  watch_ = nullptr;
}

// On any shard:

Result<std::shared_ptr<Subscription::State>> Link::subscribe(net::Shard& shard,
                                                             const SubscribeOptions& options,
                                                             Subscriber& subscriber) {
  auto state = std::make_shared<Subscription::State>(shard, subscriber, options);
  const natsStatus status =
      options.queue_group.empty()
          ? natsConnection_SubscribeSync(&state->raw, raw_, options.subject.c_str())
          : natsConnection_QueueSubscribeSync(&state->raw, raw_, options.subject.c_str(),
                                              options.queue_group.c_str());
  if (status != NATS_OK) {
    return std::unexpected(describeStatus("cannot subscribe \"" + options.subject + "\"", status));
  }
  if (home_.onThread()) {
    list(state);
  } else {
    home_.post([self = shared_from_this(), state] { self->list(state); });
  }
  return state;
}

void Link::unsubscribe(std::shared_ptr<Subscription::State> state) {
  if (home_.onThread()) {
    if (state->raw != nullptr) release(*state);
  } else {
    home_.post([self = shared_from_this(), state = std::move(state)] {
      if (state->raw != nullptr) self->release(*state);
    });
  }
}

Result<void> Link::mayPublish() const {
  if (!connected()) return std::unexpected(closedError());
  if (buffered() > options_.max_buffered_bytes) {
    return fail(ErrorCode::kUnavailable, "the NATS server does not take what is published");
  }
  return {};
}

Result<void> Link::publish(const std::string& subject, const std::string& reply, ByteView payload) {
  TRY_VOID(mayPublish());
  const auto size = static_cast<int>(payload.size());
  const natsStatus status =
      reply.empty() ? natsConnection_Publish(raw_, subject.c_str(), payload.data(), size)
                    : natsConnection_PublishRequest(raw_, subject.c_str(), reply.c_str(),
                                                    payload.data(), size);
  if (status == NATS_OK) return {};
  return std::unexpected(describeStatus("cannot publish to \"" + subject + "\"", status));
}

Result<void> Link::publishWithHeaders(
    const std::string& subject, const std::string& reply,
    const std::vector<std::pair<std::string, std::string>>& headers, ByteView payload) {
  TRY_VOID(mayPublish());
  natsMsg* raw = nullptr;
  natsStatus status = natsMsg_Create(&raw, subject.c_str(), reply.empty() ? nullptr : reply.c_str(),
                                     reinterpret_cast<const char*>(payload.data()),
                                     static_cast<int>(payload.size()));
  for (const auto& [name, value] : headers) {
    if (status == NATS_OK) status = natsMsgHeader_Set(raw, name.c_str(), value.c_str());
  }
  if (status == NATS_OK) status = natsConnection_PublishMsg(raw_, raw);
  natsMsg_Destroy(raw);
  if (status == NATS_OK) return {};
  return std::unexpected(describeStatus("cannot publish to \"" + subject + "\"", status));
}

std::size_t Link::maxPayload() const {
  return static_cast<std::size_t>(std::max<std::int64_t>(natsConnection_GetMaxPayload(raw_), 1));
}

bool Link::wasForbidden(std::string_view subject, TimePoint since) const {
  const std::lock_guard lock(forbidden_mutex_);
  return std::ranges::any_of(forbidden_, [&](const auto& forbidden) {
    return forbidden.first == subject && forbidden.second >= since;
  });
}

std::size_t Link::buffered() const {
  return static_cast<std::size_t>(std::max(natsConnection_Buffered(raw_), 0));
}

}  // namespace nimbus::nats
