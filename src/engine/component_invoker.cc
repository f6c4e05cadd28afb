#include "engine/component_invoker.h"

#include <algorithm>
#include <optional>
#include <span>
#include <utility>

#include "base/list_link.h"
#include "base/rate_limit.h"
#include "base/sync.h"
#include "engine/ffi.h"
#include "engine/guest_channels.h"
#include "engine/guest_instance.h"
#include "engine/trap_reason.h"
#include "wit/interface_name.h"

namespace nimbus::engine {
namespace {

constexpr std::uint32_t kMaxTracesPerSecond = 10;

}  // namespace

struct ComponentInvoker::Shared {
  struct Export {
    std::string instance;
    std::string function;
    std::string refused;  // why it cannot be called; empty: it can
  };

  Shared(std::shared_ptr<const Component> called, std::shared_ptr<GuestEnvironment> its_environment,
         ComponentInvokerOptions chosen, Logger& logger)
      : component(std::move(called)),
        environment(std::move(its_environment)),
        options(chosen),
        log(logger, kMaxTracesPerSecond) {}

  std::shared_ptr<const Component> component;
  std::shared_ptr<GuestEnvironment> environment;
  ComponentInvokerOptions options;
  mutable LimitedLogger log;  // a caller in a loop may make the component trap as often as it likes
  std::vector<Export> exports;
};

namespace {

Error errorOf(const NimbusOutcome& outcome, net::Shard& shard, GuestEnvironment& environment,
              Logger& log) {
  std::string message(toView(outcome.message));
  switch (static_cast<NimbusDoneKind>(outcome.kind)) {
    case NIMBUS_DONE_TRAP:
    case NIMBUS_DONE_EXIT:
      if (!environment.tellFailure(shard, outcomeOf(outcome).kind, message))
        log.warn("a component failed in a call", {{"reason", message}});
      return {ErrorCode::kTrap, "the component failed: " + trapReason(message)};
    case NIMBUS_DONE_RESOURCES:
      environment.tellFailure(shard, CallOutcome::Kind::kResources, message);
      return {ErrorCode::kResourceExhausted, std::move(message)};
    case NIMBUS_DONE_REFUSED: return {ErrorCode::kProtocol, std::move(message)};
    case NIMBUS_DONE_COLLATERAL:
    case NIMBUS_DONE_NOT_STARTED: return {ErrorCode::kUnavailable, std::move(message)};
    default: return {ErrorCode::kInternal, std::move(message)};
  }
}

// A call of a session, while somebody waits for it. Used again for calls that end at once.
class PendingCall final : public GuestInstance::Call, public ListLink<PendingCall> {
 public:
  // The use is kept by streams among the results.
  PendingCall(net::Shard& shard, const UseToken& use, GuestEnvironment& environment, Logger& log)
      : shard_(shard), use_(use), environment_(environment), log_(log) {}
  ~PendingCall() override { abandon(); }

  void begin(TimePoint deadline) {
    deadline_ = deadline;
    result_.reset();
    counted_ = true;
    environment_.callBegan();
  }
  [[nodiscard]] TimePoint deadline() const { return deadline_; }
  [[nodiscard]] bool finished() const { return result_.has_value(); }
  [[nodiscard]] Result<wrpc::Values> takeResult() {
    countResult();
    return *std::move(result_);
  }
  // The same without moving it twice.
  [[nodiscard]] Eventual<Result<wrpc::Values>> takeEnded() {
    countResult();
    return {*std::move(result_)};
  }

  // The first result counts.
  void finish(Result<wrpc::Values> result) {
    if (!result_) result_.emplace(std::move(result));
  }

  void onDone(const NimbusOutcome& outcome, const NimbusReturned& returned) override {
    wrpc::Values unwanted;
    const bool wanted = !result_ && outcome.kind == NIMBUS_DONE_OK;
    wrpc::Values& values = wanted ? *result_.emplace() : unwanted;
    appendOwned(values.bytes, returned.results);
    if (returned.outgoing_count != 0) {
      values.channels = channelsOf(shard_, returned.outgoing, returned.outgoing_count, use_);
    }
    if (!result_) result_.emplace(std::unexpected(errorOf(outcome, shard_, environment_, log_)));
  }

  static Task<Result<wrpc::Values>> wait(std::unique_ptr<PendingCall> call) {
    co_await call->ended_.wait();
    co_return call->takeResult();
  }
  void resume() { ended_.set(); }
  // Nobody waits for the result any more.
  void abandon() {
    unlink();
    end(GuestEnvironment::Ended::kFailed);
  }

  void moveTo(PendingCall*& head) {
    unlink();
    linkAt(head);
  }

 private:
  void countResult() {
    end(*result_ ? GuestEnvironment::Ended::kWell : GuestEnvironment::Ended::kFailed);
  }
  void end(GuestEnvironment::Ended how) {
    if (std::exchange(counted_, false)) environment_.callEnded(how);
  }

  TimePoint deadline_{};
  net::Shard& shard_;
  const UseToken& use_;
  GuestEnvironment& environment_;
  Logger& log_;
  bool counted_ = false;
  std::optional<Result<wrpc::Values>> result_;
  Event ended_;
};

}  // namespace

class ComponentInvoker::Session final : public ExchangeSession, GuestInstance::Owner, LiveSession {
 public:
  Session(net::Shard& shard, std::shared_ptr<const Shared> shared)
      : shard_(shard), shared_(std::move(shared)), timer_(shard, [this] { onTimer(); }) {}
  ~Session() override {
    while (waiting_ != nullptr) waiting_->abandon();
    endInstance();
    tellExchanges();
  }

  Eventual<Result<wrpc::Values>> invoke(const wrpc::CallContext& context, wrpc::FunctionId function,
                                        wrpc::Values params) override {
    return invokeFor(0, context, function, std::move(params));
  }

  Eventual<Result<wrpc::Values>> invokeFor(std::uint64_t owner, const wrpc::CallContext& context,
                                           wrpc::FunctionId function,
                                           wrpc::Values params) override {
    const TimePoint now = shard_.now();
    TimePoint deadline = now + shared_->options.time_limit;
    if (context.deadline) deadline = std::min(deadline, *context.deadline);
    if (deadline <= now) {
      return Result<wrpc::Values>(fail(ErrorCode::kDeadlineExceeded, "the call came too late"));
    }
    TRY(GuestInstance* const live, liveInstance());
    GuestInstance& instance = *live;
    std::unique_ptr<PendingCall> call = newCall();
    call->begin(deadline);
    instance.submit(*call, static_cast<std::uint32_t>(function.value), std::move(params), deadline,
                    owner);
    const std::int64_t done = instance.poll();
    // Others have their results, too.
    if (done > (call->finished() ? 1 : 0) || !changes_.empty()) instance.wake();
    if (call->finished()) {
      call->giveUp();  // has ended: frees what the engine still holds of it
      spare_ = std::move(call);
      return spare_->takeEnded();
    }
    call->moveTo(waiting_);
    timer_.armAt(earliestDeadline());
    return PendingCall::wait(std::move(call));
  }

  Result<void> submit(Exchange& exchange) override {
    TRY(GuestInstance* const live, liveInstance());
    live->submit(exchange, changes_, shard_.now() + shared_->options.time_limit);
    live->wake();
    timer_.armAt(earliestDeadline());
    return {};
  }

  void drop(ByteView handle) override {
    if (lives()) instance_->dropResource(handle);
  }
  void disown(std::uint64_t first, std::uint64_t last) override {
    if (lives()) instance_->disown(first, last);
  }
  [[nodiscard]] bool owns(ByteView handle) const override {
    return lives() && instance_->owns(handle);
  }
  [[nodiscard]] bool inUse() const override {
    return lives() && (!instance_->idle() || instance_->hasResources() || streams_.use_count() > 1);
  }

  [[nodiscard]] bool lives() const override { return instance_ && !instance_->ended(); }

 private:
  [[nodiscard]] std::unique_ptr<PendingCall> newCall() {
    if (spare_) return std::move(spare_);
    return std::make_unique<PendingCall>(shard_, streams_, *shared_->environment, shared_->log);
  }

  Result<GuestInstance*> liveInstance() {
    retireIfEnded();
    if (!instance_) {
      TRY(permit_, shared_->environment->admit(shard_, *this));
      instance_.emplace(
          shared_->environment->poller(shard_), shared_->component,
          shared_->environment->context(shard_),
          GuestInstance::Limits{shared_->options.max_concurrent, shared_->options.cpu_limit},
          static_cast<GuestInstance::Owner&>(*this));
    }
    return &*instance_;
  }

  // Ends an instance that serves no more. What was left on it has failed then.
  void retireIfEnded() {
    if (instance_ && instance_->ended()) endInstance();
  }
  void endInstance() {
    instance_.reset();
    permit_.reset();
  }

  [[nodiscard]] TimePoint earliestDeadline() const {
    TimePoint earliest = TimePoint::max();
    for (const PendingCall* call = waiting_; call != nullptr; call = call->next()) {
      earliest = std::min(earliest, call->deadline());
    }
    for (const GuestInstance::Served& served : exchanges()) {
      if (served.exchange->outcome() == nullptr) earliest = std::min(earliest, served.deadline);
    }
    return earliest;
  }

  [[nodiscard]] std::span<const GuestInstance::Served> exchanges() const {
    if (!instance_) return {};
    return instance_->exchanges();
  }

  // Those that nobody has given up.
  void expireExchanges(CallOutcome::Kind kind, std::string_view why, TimePoint until) {
    for (const GuestInstance::Served& served : exchanges()) {
      if (served.deadline > until || served.exchange->outcome() != nullptr) continue;
      CallOutcome outcome{kind, 0, std::string(why)};
      if (!served.exchange->started()) {
        served.exchange->markAbandoned(std::move(outcome));
        continue;
      }
      served.exchange->markExpired(std::move(outcome));
      // It has the instance for itself, and cannot be interrupted otherwise.
      if (shared_->component->kind() != ComponentKind::kHttpP3) instance_->end();
    }
    if (instance_) instance_->forgetReleased();
  }

  void failAll(const Error& why, CallOutcome::Kind of_exchanges) {
    expireExchanges(of_exchanges, why.message(), TimePoint::max());
    for (PendingCall* call = waiting_; call != nullptr; call = call->next()) {
      call->finish(std::unexpected(why));
    }
    endInstance();
  }

  void cutOff(const Error& why) override {
    failAll(why, CallOutcome::Kind::kCollateral);
    resumeFinished();
  }

  void onPolled(GuestInstance& instance) override {
    if (!instance.ended() && instance.overCpuLimit()) {
      const std::string why = "the call used up its CPU time";
      shared_->environment->tellFailure(shard_, CallOutcome::Kind::kCpuLimit, why);
      failAll({ErrorCode::kResourceExhausted, why}, CallOutcome::Kind::kCpuLimit);
    }
    retireIfEnded();
    resumeFinished();
  }

  void onTimer() {
    for (PendingCall* call = waiting_; call != nullptr; call = call->next()) {
      if (call->deadline() > shard_.now() || call->finished()) continue;
      shared_->environment->tellFailure(shard_, CallOutcome::Kind::kTimeout, kLate);
      call->finish(fail(ErrorCode::kDeadlineExceeded, kLate));
      call->giveUp();
    }
    expireExchanges(CallOutcome::Kind::kTimeout, kLate, shard_.now());
    retireIfEnded();
    resumeFinished();
  }

  void tellExchanges() {
    Exchange::ChangeList due;
    due.takeFrom(changes_);
    due.notifyAll();
  }

  // Whoever is resumed may end others, and this session: nothing of it is touched after.
  void resumeFinished() {
    Exchange::ChangeList due;
    due.takeFrom(changes_);
    PendingCall* finished = nullptr;
    PendingCall* following = nullptr;
    for (PendingCall* call = waiting_; call != nullptr; call = following) {
      following = call->next();
      if (call->finished()) call->moveTo(finished);
    }
    if (const TimePoint next = earliestDeadline(); next != TimePoint::max()) timer_.armAt(next);
    while (finished != nullptr) {
      PendingCall* call = finished;
      call->unlink();
      call->resume();
    }
    due.notifyAll();
  }

  static constexpr const char* kLate = "the component did not answer in time";

  net::Shard& shard_;
  std::shared_ptr<const Shared> shared_;
  net::Timer timer_;
  PendingCall* waiting_ = nullptr;
  const UseToken streams_ = std::make_shared<int>();  // shared by open streams of results
  std::unique_ptr<PendingCall> spare_;
  Exchange::ChangeList changes_;  // of exchanges, in polls that nobody has heard of yet
  std::shared_ptr<void> permit_;  // of the instance, which goes first
  std::optional<GuestInstance> instance_;
};

ComponentInvoker::ComponentInvoker(std::shared_ptr<const Component> component,
                                   std::shared_ptr<GuestEnvironment> environment,
                                   ComponentInvokerOptions options, Logger& log)
    : shared_(
          std::make_shared<Shared>(std::move(component), std::move(environment), options, log)) {
  const NimbusLinked* linked = shared_->component->linked();
  const std::size_t count = nimbus_linked_export_count(linked);
  for (std::size_t i = 0; i < count; ++i) {
    NimbusExportFunction function{};
    nimbus_linked_export(linked, i, &function);
    std::string refused(toView(function.refused));
    if (function.takes_provided != 0 &&
        shared_->options.provided_resources == ProvidedResources::kRefused) {
      refused = "a resource of another provider cannot cross";
    }
    shared_->exports.push_back({std::string(toView(function.instance)),
                                std::string(toView(function.wire_name)), std::move(refused)});
  }
}

ComponentInvoker::~ComponentInvoker() = default;

Result<wrpc::FunctionId> ComponentInvoker::resolve(const wrpc::FunctionName& name) {
  const auto& exports = shared_->exports;
  const wit::InterfaceName wanted = wit::parseInterfaceName(name.instance);
  auto found = std::ranges::find_if(exports, [&](const Shared::Export& each) {
    return each.function == name.function && each.instance == name.instance;
  });
  if (found == exports.end() && !name.instance.empty()) {
    found = std::ranges::find_if(exports, [&](const Shared::Export& each) {
      return each.function == name.function &&
             wit::interfaceMatches(wanted.interface, wanted.version, each.instance);
    });
  }
  const std::string text = std::string(name.instance) + "." + std::string(name.function);
  if (found == exports.end()) {
    return fail(ErrorCode::kNotFound, "the component does not export " + text);
  }
  if (!found->refused.empty()) {
    return fail(ErrorCode::kUnsupported, text + " cannot be called: " + found->refused);
  }
  return wrpc::FunctionId{static_cast<std::uint64_t>(found - exports.begin())};
}

std::unique_ptr<wrpc::Session> ComponentInvoker::open(
    net::Shard& shard, std::shared_ptr<const wrpc::Consumer> /*consumer*/) {
  return std::make_unique<Session>(shard, shared_);
}

std::unique_ptr<ExchangeSession> ComponentInvoker::openForExchanges(net::Shard& shard) {
  return std::make_unique<Session>(shard, shared_);
}

}  // namespace nimbus::engine
