// How warm instances end: retired, drained, timed out, spinning or trapped.

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "host/calls/warm_pool.h"

namespace nimbus::host {

using engine::CallOutcome;

namespace {

// Between two looks at calls whose clients are gone, at least.
constexpr Duration kUnwantedPause = std::chrono::milliseconds(10);

}  // namespace

WarmPool::SlotPointer WarmPool::find(const engine::WarmInstance& instance) const {
  const auto found = std::ranges::find_if(
      slots_, [&](const SlotPointer& slot) { return slot->instance.get() == &instance; });
  return found == slots_.end() ? nullptr : *found;
}

void WarmPool::onSeatFree(SlotPointer slot) {
  if (draining_) slot->admits = false;
  if (slot->seats_taken == 0) {
    if (!slot->admits) {
      endWhenDone(slot);
    } else {
      idles(slot);
    }
  }
  if (!waiting_.empty()) dispatch();
}

void WarmPool::idles(const SlotPointer& slot) {
  slot->idle_since = environment_.poller.shard().now();
  onIdle(slot);
}

void WarmPool::onIdle(const SlotPointer& slot) {
  environment_.gate.noteIdle(slot->idle);
  idle_timer_.armAfter(environment_.policy.idle_timeout);
}

void WarmPool::retire(const SlotPointer& slot) {
  slot->admits = false;
  endWhenDone(slot);
}

// Nothing is on the instance any more, and nothing will be.
void WarmPool::endWhenDone(const SlotPointer& slot) {
  IdleInstances::remove(slot->idle);
  if (!slot->instance || slot->instance->ended() || slot->closing) return;
  slot->closing = true;
  if (slot->has_stray) {
    kill(slot);
    return;
  }
  slot->instance->close();
  endAfterGrace(slot);
}

void WarmPool::endAfterGrace(const SlotPointer& slot) {
  if (slot->grace) return;
  slot->grace =
      std::make_unique<net::Timer>(environment_.poller.shard(), [this, weak = std::weak_ptr(slot)] {
        const SlotPointer late = weak.lock();
        if (!late) return;
        if (late->has_stray && late->end_reason.empty())
          late->end_reason = "its instance was ended: a call on it took longer than its limit";
        kill(late);
      });
  slot->grace->armAfter(environment_.policy.collateral_grace);
}

void WarmPool::onUnwanted(const SlotPointer& slot) {
  if (!slot->unwanted_timer) {
    slot->unwanted_timer = std::make_unique<net::Timer>(environment_.poller.shard(),
                                                        [this, weak = std::weak_ptr(slot)] {
                                                          const SlotPointer left = weak.lock();
                                                          if (!left) return;
                                                          left->unwanted_timer_runs = false;
                                                          checkUnwanted(left);
                                                        });
  }
  if (std::exchange(slot->unwanted_timer_runs, true)) return;
  slot->unwanted_timer->armAfter(std::max(environment_.policy.collateral_grace, kUnwantedPause));
}

// An instance whose calls nobody waits for is ended, so that others have its place. As long as
// there are calls on it that somebody waits for, it only takes no more of them.
void WarmPool::checkUnwanted(const SlotPointer& slot) {
  const TimePoint now = environment_.poller.shard().now();
  const auto unwanted = std::ranges::count_if(
      slot->calls, [](const WarmCall* call) { return call->unwanted_since.has_value(); });
  const auto overdue = std::ranges::count_if(slot->calls, [&](const WarmCall* call) {
    return call->unwanted_since &&
           *call->unwanted_since + environment_.policy.collateral_grace <= now;
  });
  if (unwanted == 0) return;
  if (std::cmp_equal(overdue, slot->calls.size())) {
    environment_.log.note(LogLevel::kInfo, "ended an instance",
                          "the clients of all calls on it were gone");
    return kill(slot);
  }
  // It holds up too many calls.
  if (slot->admits && std::cmp_greater_equal(2 * overdue, max_concurrency_)) setAside(slot);
  onUnwanted(slot);
}

bool WarmPool::setAside(const SlotPointer& slot) {
  // Each goes on as long as the longest of its calls. Those that take no more calls for another
  // reason, as they have served their number or end soon, are none of them.
  const auto others = std::ranges::count_if(
      slots_, [&](const SlotPointer& other) { return other != slot && other->aside; });
  if (std::cmp_greater_equal(others, max_warm_)) return false;
  const bool has_room = std::ranges::any_of(slots_, [&](const SlotPointer& other) {
    return other != slot && other->admits && other->seats_taken < max_concurrency_;
  });
  if (!has_room && !environment_.gate.tryAcquire()) return false;
  slot->aside = true;
  slot->admits = false;
  dispatchLater();
  return true;
}

void WarmPool::dispatchLater() {
  environment_.poller.shard().post([self = self_] {
    if (*self != nullptr && !(*self)->waiting_.empty()) (*self)->dispatch();
  });
}

void WarmPool::endCalls(const std::string& why) {
  ended_because_ = why;
  queue_deadlines_.expireAll();
  const std::vector<SlotPointer> slots = slots_;
  for (const SlotPointer& slot : slots) {
    kill(slot);
    const auto running = [](WarmCall* call) { return call->exchange().outcome() == nullptr; };
    // Who waits for a call goes on at once, and it may go with that.
    for (auto call = std::ranges::find_if(slot->calls, running); call != slot->calls.end();
         call = std::ranges::find_if(slot->calls, running))
      (*call)->exchange().abandon({CallOutcome::Kind::kResources, 0, why});
  }
}

// Posted: the instance may be in the middle of its own callbacks.
void WarmPool::kill(const SlotPointer& slot) {
  slot->admits = false;
  IdleInstances::remove(slot->idle);
  environment_.poller.shard().post([self = self_, weak = std::weak_ptr(slot)] {
    SlotPointer slot = weak.lock();
    if (*self == nullptr || !slot || !slot->instance) return;
    WarmPool& pool = **self;
    std::erase(pool.slots_, slot);
    slot->instance.reset();  // tells the calls that were on it
    // Calls whose clients still read keep the slot; the gate is certain to live now.
    slot->giveBack();
    slot.reset();
    pool.dispatch();
    // Last: whoever drains may destroy the pool.
    if (pool.slots_.empty() && pool.draining_) pool.all_ended_.set();
  });
}

void WarmPool::onCallTimeout(WarmCall& call) {
  const SlotPointer slot = call.slot();
  std::string place;
  // Of several nobody can tell which one computes.
  if (slot->calls.size() == 1 && slot->calls.front() == &call && slot->instance) {
    const auto self = self_;
    place = slot->instance->place();
    // It may have been answered by that.
    if (*self == nullptr || slot->calls.empty() || slot->calls.front() != &call) return;
  }
  slot->admits = false;
  slot->has_stray = true;
  endAfterGrace(slot);
  call.exchange().abandon(
      {CallOutcome::Kind::kTimeout, 0, "the call took longer than its limit" + place});
}

void WarmPool::onPolled(engine::WarmInstance& instance, Duration cpu, Duration stretch) {
  const SlotPointer slot = find(instance);
  if (!slot) return;
  charge(slot, cpu, stretch);
  // Those that only their clients have not read to the end yet ask nothing more of the instance.
  std::erase_if(slot->calls, [](WarmCall* call) { return call->exchange().released(); });
}

void WarmPool::charge(const SlotPointer& slot, Duration cpu, Duration stretch) {
  slot->stretch_before = std::min(slot->stretch_before, stretch);
  if (slot->calls.empty()) {
    slot->unasked_cpu += cpu;
    slot->stretch_before = stretch;
    checkUnaskedCpu(slot);
    return;
  }
  slot->unasked_cpu = Duration::zero();
  const bool one_exceeded = chargeCalls(slot, cpu);
  const bool together = stretch - slot->stretch_before > environment_.policy.cpu_limit;
  if ((!one_exceeded && !together) || slot->has_stray) return;
  if (!together && seclude(slot)) return;
  slot->admits = false;
  slot->has_stray = true;
  environment_.poller.shard().post([self = self_, weak = std::weak_ptr(slot)] {
    if (const SlotPointer busy = weak.lock(); busy && *self != nullptr) (*self)->endForCpu(busy);
  });
}

bool WarmPool::chargeCalls(const SlotPointer& slot, Duration cpu) {
  const Duration share = cpu / static_cast<std::int64_t>(slot->calls.size());
  bool exceeded = false;
  for (WarmCall* call : slot->calls) {
    call->cpu_time += share;
    call->shares_cpu_time = call->shares_cpu_time || slot->calls.size() > 1;
    exceeded = exceeded || call->cpu_time > environment_.policy.cpu_limit;
  }
  return exceeded;
}

// A call that stays for long, as a stream does, is charged for many that came and went beside it.
// Alone with those that are there now it soon is charged for its own. False: nobody's share is in
// doubt, or nothing is left that takes calls in its place, or for more like it.
bool WarmPool::seclude(const SlotPointer& slot) {
  if (slot->secluded || std::ranges::none_of(slot->calls, &WarmCall::shares_cpu_time) ||
      !setAside(slot))
    return false;
  slot->secluded = true;
  for (WarmCall* call : slot->calls) {
    call->cpu_time = {};
    call->shares_cpu_time = false;
  }
  return true;
}

// If one call is alone on it, it is to blame; otherwise nobody can tell which one computes, and all
// of them end with the instance.
void WarmPool::endForCpu(const SlotPointer& slot) {
  const std::size_t count = slot->calls.size();  // some may end now
  const std::string place = slot->instance ? slot->instance->place() : std::string();
  if (count == 1 && slot->calls.size() == 1) {
    blame(slot, place);
  } else {
    slot->end_reason = fmt::format(
        "its instance was ended: one of the {} calls on it used up its CPU time{}", count, place);
  }
  kill(slot);
}

void WarmPool::blame(const SlotPointer& slot, const std::string& place) {
  slot->calls.front()->exchange().abandon(
      {CallOutcome::Kind::kCpuLimit, 0, "the call used up its CPU time" + place});
}

// A guest may go on after its answer, as long as one call may compute; then nobody asks for it.
void WarmPool::checkUnaskedCpu(const SlotPointer& slot) {
  if (slot->unasked_cpu <= environment_.policy.cpu_limit) return;
  if (!slot->admits && !slot->aside) return;
  environment_.log.note(LogLevel::kWarn, "ended an instance",
                        "it used up the CPU time of a call with no call on it");
  slot->unasked_cpu = {};  // told once: it may be polled again before it has ended
  kill(slot);
}

void WarmPool::onEnded(engine::WarmInstance& instance) {
  const SlotPointer slot = find(instance);
  if (!slot) return;
  slot->admits = false;
  // Posted, so that the instance is not destroyed in its own callback.
  kill(slot);
}

void WarmPool::retireIdle() {
  const TimePoint now = environment_.poller.shard().now();
  const Duration idle_timeout = environment_.policy.idle_timeout;
  std::optional<TimePoint> next;
  const std::vector<SlotPointer> slots = slots_;
  for (const SlotPointer& slot : slots) {
    if (!slot->admits || slot->seats_taken > 0) continue;
    const TimePoint when = slot->idle_since + idle_timeout;
    if (when <= now) {
      retire(slot);
    } else if (!next || when < *next) {
      next = when;
    }
  }
  if (next) idle_timer_.armAt(*next);
}

}  // namespace nimbus::host
