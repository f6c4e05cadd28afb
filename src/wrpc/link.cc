#include "wrpc/link.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/check.h"
#include "wrpc/encoder.h"
#include "wrpc/leb.h"

namespace nimbus::wrpc {

namespace {

// The handle that the parameters begin with, if they do: a length and so many bytes.
ByteView leadingHandle(ByteView bytes) {
  const UlebResult length = readUleb(bytes, 32);
  if (length.state != LebState::kDone || length.value > bytes.size() - length.size) return {};
  return bytes.subspan(length.size, length.value);
}

}  // namespace

// What one consumer has open: a session for each generation that still matters, the newest last.
class Link::LinkSession final : public Session {
 public:
  LinkSession(const Link& link, net::Shard& shard, std::shared_ptr<const Consumer> consumer)
      : link_(link), shard_(shard), consumer_(std::move(consumer)) {}

  Eventual<Result<Values>> invoke(const CallContext& context, FunctionId function,
                                  Values params) override {
    const ByteView begin = params.bytes.empty() ? ByteView() : params.bytes.piece(0);
    const auto target = choose(function, begin);
    if (!target) return Result<Values>(std::unexpected(target.error()));
    return target->session.invoke(context, target->function, std::move(params));
  }

  std::optional<Task<Result<Values>>> invokeInto(const CallContext& context, FunctionId function,
                                                 ByteView params, Encoder& results) override {
    const auto target = choose(function, params);
    if (target) return target->session.invokeInto(context, target->function, params, results);
    results.fail(target.error());
    return std::nullopt;
  }

  void drop(ByteView handle) override {
    for (Part& part : parts_) part.session->drop(handle);
    retire();
  }
  [[nodiscard]] bool owns(ByteView handle) const override {
    return std::ranges::any_of(parts_, [&](const Part& p) { return p.session->owns(handle); });
  }
  [[nodiscard]] bool inUse() const override {
    return std::ranges::any_of(parts_, [](const Part& p) { return p.session->inUse(); });
  }
  [[nodiscard]] bool renew() override {
    const bool renewed = std::ranges::all_of(parts_, [](Part& p) { return p.session->renew(); });
    retire();
    return renewed;
  }

  // Lets go of generations that are neither the newest nor in use.
  void retire() {
    const std::uint64_t newest = link_.newest_number_.load(std::memory_order_acquire);
    std::erase_if(parts_, [newest](const Part& part) {
      return part.generation.number != newest && !part.session->inUse();
    });
  }

 private:
  struct Part {
    Generation generation;  // before the session, which lives no longer than its Invoker
    std::unique_ptr<Session> session;
    std::map<FunctionId, FunctionId> functions;  // the link's ids to the target's

    Result<FunctionId> resolve(FunctionId function, const NameTable& names) {
      const auto found = functions.find(function);
      if (found != functions.end()) return found->second;
      TRY(const FunctionId resolved, generation.target->resolve(names[function].view()));
      functions.emplace(function, resolved);
      return resolved;
    }
  };

  // Where a call goes whose parameters begin so.
  struct Target {
    Session& session;
    FunctionId function;
  };
  Result<Target> choose(FunctionId function, ByteView params) {
    Part* const part = choosePart(params);
    if (part == nullptr) return nothingLinked(function);
    TRY(const FunctionId resolved, part->resolve(function, link_.names_));
    return Target{*part->session, resolved};
  }
  // Null: nothing is linked.
  Part* choosePart(ByteView params) {
    const std::uint64_t newest = link_.newest_number_.load(std::memory_order_acquire);
    if (parts_.size() == 1 && parts_.back().generation.number == newest) return &parts_.back();
    retire();
    if (const ByteView handle = leadingHandle(params); !handle.empty()) {
      for (Part& part : parts_) {
        if (part.session->owns(handle)) return &part;
      }
    }
    if (!parts_.empty() && parts_.back().generation.number == newest) return &parts_.back();
    Generation generation = link_.newest();
    if (generation.target == nullptr) return nullptr;
    auto session = generation.target->open(shard_, consumer_);
    parts_.push_back({std::move(generation), std::move(session), {}});
    return &parts_.back();
  }

  [[nodiscard]] std::unexpected<Error> nothingLinked(FunctionId function) const {
    const NameTable::Name& name = link_.names_[function];
    return fail(ErrorCode::kUnavailable,
                "nothing serves " + name.view().text() + " at the moment: its link has no target");
  }

  const Link& link_;
  net::Shard& shard_;
  const std::shared_ptr<const Consumer> consumer_;
  std::vector<Part> parts_;
};

Link::Link(std::shared_ptr<Invoker> target) : newest_{1, std::move(target)} {}
Link::~Link() = default;

void Link::swap(std::shared_ptr<Invoker> target) {
  Generation old{0, std::move(target)};
  const std::lock_guard lock(mutex_);
  old.number = newest_.number + 1;
  std::swap(old, newest_);
  newest_number_.store(newest_.number, std::memory_order_release);
  std::erase_if(opened_, [](const Opened& opened) { return opened.session.expired(); });
  for (const Opened& opened : opened_) {
    opened.shard->post([session = opened.session] {
      if (const auto living = session.lock()) living->retire();
    });
  }
}

Link::Generation Link::newest() const {
  const std::lock_guard lock(mutex_);
  return newest_;
}

std::shared_ptr<Invoker> Link::target() const { return newest().target; }

Result<FunctionId> Link::resolve(const FunctionName& name) {
  if (const auto present = target()) TRY_VOID(present->resolve(name));
  return names_.add(name);
}

std::shared_ptr<const TupleShape> Link::parameters(FunctionId id) const {
  const auto present = target();
  if (present == nullptr) return nullptr;
  const auto resolved = present->resolve(names_[id].view());
  return resolved ? present->parameters(*resolved) : nullptr;
}

namespace {

// Session::invoke() is on the way of every call, so the session itself is what the consumer holds;
// only the link's view of it is weak.
template <typename T>
class SharedSession final : public Session {
 public:
  explicit SharedSession(std::shared_ptr<T> session) : session_(std::move(session)) {}
  Eventual<Result<Values>> invoke(const CallContext& context, FunctionId function,
                                  Values params) override {
    return session_->invoke(context, function, std::move(params));
  }
  std::optional<Task<Result<Values>>> invokeInto(const CallContext& context, FunctionId function,
                                                 ByteView params, Encoder& results) override {
    return session_->invokeInto(context, function, params, results);
  }
  void drop(ByteView handle) override { session_->drop(handle); }
  [[nodiscard]] bool owns(ByteView handle) const override { return session_->owns(handle); }
  [[nodiscard]] bool inUse() const override { return session_->inUse(); }
  [[nodiscard]] bool renew() override { return session_->renew(); }

 private:
  const std::shared_ptr<T> session_;
};

}  // namespace

std::unique_ptr<Session> Link::open(net::Shard& shard, std::shared_ptr<const Consumer> consumer) {
  NIMBUS_CHECK(shard.onThread());
  auto session = std::make_shared<LinkSession>(*this, shard, std::move(consumer));
  remember(shard, session);
  return std::make_unique<SharedSession<LinkSession>>(std::move(session));
}

// Sessions come and go; those that went are forgotten whenever the list would grow.
void Link::remember(net::Shard& shard, const std::weak_ptr<LinkSession>& session) {
  const std::lock_guard lock(mutex_);
  if (opened_.size() == opened_.capacity()) {
    std::erase_if(opened_, [](const Opened& opened) { return opened.session.expired(); });
  }
  opened_.push_back({&shard, session});
}

}  // namespace nimbus::wrpc
