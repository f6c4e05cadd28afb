#include "nats/reply_slots.h"

#include <utility>

#include <fmt/format.h>

#include "base/sync.h"

namespace nimbus::nats {

class ReplySlots::Slot::State final : public Subscriber {
 public:
  explicit State(std::string prefix) : prefix_(std::move(prefix)) {}

  Result<void> subscribe(Connection& connection, net::Shard& shard) {
    TRY(subscription_, connection.subscribe(shard, {.subject = prefix_ + ">"}, *this));
    return {};
  }

  // Calls that use the slot one after the other have bases of their own, so that late answers are
  // told apart.
  void begin(Receiver& receiver) {
    receiver_ = &receiver;
    answered_ = false;
    base_.assign(prefix_);
    fmt::format_to(std::back_inserter(base_), "{}", ++calls_);
  }
  // Whether another call may use the slot: no word that nobody listens can be under way any more.
  [[nodiscard]] bool end() {
    receiver_ = nullptr;
    return answered_ && !retired_;
  }
  void retire() { retired_ = true; }
  [[nodiscard]] const std::string& base() const { return base_; }

  // The receiver may give the slot back in each of these, which may destroy it.
  void received(Message message) override {
    const std::string_view subject = message.subject();
    if (receiver_ == nullptr || !subject.starts_with(base_)) return;
    answered_ = true;
    receiver_->received(subject.substr(base_.size()), std::move(message));
  }
  void noResponders() override {
    if (receiver_ == nullptr || std::exchange(answered_, true)) return;
    receiver_->noResponders();
  }
  void lost(Error why) override {
    if (receiver_ != nullptr) receiver_->lost(std::move(why));
  }

 private:
  const std::string prefix_;
  std::string base_;
  std::uint64_t calls_ = 0;
  Receiver* receiver_ = nullptr;
  bool answered_ = false;
  bool retired_ = false;
  std::unique_ptr<Subscription> subscription_;
};

ReplySlots::Slot::Slot(std::shared_ptr<ReplySlots> pool, std::unique_ptr<State> state)
    : pool_(std::move(pool)), state_(std::move(state)) {}
ReplySlots::Slot::Slot(Slot&&) noexcept = default;
ReplySlots::Slot::~Slot() {
  if (state_) pool_->giveBack(std::move(state_));
}
const std::string& ReplySlots::Slot::base() const { return state_->base(); }
void ReplySlots::Slot::retire() { state_->retire(); }

ReplySlots::ReplySlots(std::shared_ptr<Connection> connection, net::Shard& shard,
                       std::size_t max_slots)
    : connection_(std::move(connection)),
      shard_(shard),
      max_slots_(max_slots),
      inbox_(connection_->newInbox()) {}
ReplySlots::~ReplySlots() = default;

Result<ReplySlots::Slot> ReplySlots::take(Receiver& receiver) {
  if (taken_ >= max_slots_) {
    return fail(ErrorCode::kResourceExhausted, fmt::format("{} calls are under way", taken_));
  }
  std::unique_ptr<Slot::State> state;
  if (free_.empty()) {
    state = std::make_unique<Slot::State>(fmt::format("{}.{}.", inbox_, ++made_));
    TRY_VOID(state->subscribe(*connection_, shard_));
  } else {
    state = std::move(free_.back());
    free_.pop_back();
  }
  state->begin(receiver);
  taken_ += 1;
  return Slot(shared_from_this(), std::move(state));
}

void ReplySlots::giveBack(std::unique_ptr<Slot::State> state) {
  taken_ -= 1;
  if (state->end()) free_.push_back(std::move(state));
}

namespace {

class OneAnswer final : public ReplySlots::Receiver {
 public:
  explicit OneAnswer(std::string subject) : subject_(std::move(subject)) {}
  void received(std::string_view below, Message message) override {
    if (below.empty()) answer.set(std::move(message));
  }
  void noResponders() override {
    answer.set(fail(ErrorCode::kNotFound, "nobody listens to \"" + subject_ + "\""));
  }
  void lost(Error why) override { answer.set(std::unexpected(std::move(why))); }

  OneShot<Result<Message>> answer;

 private:
  const std::string subject_;
};

}  // namespace

Task<Result<Message>> request(std::shared_ptr<ReplySlots> slots, std::string subject, Bytes payload,
                              Duration timeout, Connection::Headers headers) {
  OneAnswer receiver(subject);
  CO_TRY(const ReplySlots::Slot slot, slots->take(receiver));
  CO_TRY_VOID(slots->connection().publish(subject, slot.base(), headers, payload.view()));
  net::Timer limit(slots->shard(), [&receiver, &subject] {
    receiver.answer.set(
        fail(ErrorCode::kDeadlineExceeded, "no answer from \"" + subject + "\" in time"));
  });
  limit.armAfter(timeout);
  co_return co_await receiver.answer.wait();
}

}  // namespace nimbus::nats
