#include "host/control/workload_manager.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "host/control/workload_entry.h"

namespace nimbus::host {

std::string_view ownerName(WorkloadOwner owner) {
  return owner == WorkloadOwner::kFolder ? "folder" : "api";
}

std::string_view stateName(WorkloadState state) {
  switch (state) {
    case WorkloadState::kStarting: return "Starting";
    case WorkloadState::kRunning: return "Running";
    case WorkloadState::kStopping: return "Stopping";
    case WorkloadState::kError: return "Error";
  }
  return "Unknown";
}

WorkloadManager::WorkloadManager(ManagerEnvironment environment, ManagerOptions options)
    : environment_(environment), options_(options) {
  MetricRegistry& metrics = environment_.metrics;
  for (std::size_t i = 0; i < std::size(gauges_); ++i)
    gauges_[i] = metrics.gauge("nimbus_workloads", "Workloads by state.",
                               {{"state", std::string(stateName(static_cast<WorkloadState>(i)))}});
  const auto results = [&metrics](std::string result) {
    return metrics.counter("nimbus_workload_applies_total",
                           "Manifests applied, by result; those without effect are not counted.",
                           {{"result", std::move(result)}});
  };
  applied_ = results("ok");
  failed_ = results("failed");
  refused_ = results("refused");
  prepare_seconds_ = metrics.histogram("nimbus_workload_prepare_seconds",
                                       "Time to load and compile one generation of a workload, "
                                       "with the wait for others that are compiled.");
  environment_.runtime.onServiceNews([this](const ServiceNews& news) { hearOfService(news); });
  environment_.runtime.onEndedNews([this](const EndedNews& news) { hearOfEnd(news); });
}

WorkloadManager::~WorkloadManager() {
  environment_.runtime.onServiceNews({});
  environment_.runtime.onEndedNews({});
  tasks_.cancelAll();
  retiring_.cancelAll();
}

Result<void> WorkloadManager::checkPhase(WorkloadOwner owner, Origin origin) const {
  switch (environment_.readiness.phase()) {
    case Readiness::Phase::kReady: return {};
    case Readiness::Phase::kDraining:
      return fail(ErrorCode::kUnavailable, "the host is draining and takes no changes");
    case Readiness::Phase::kRestoring: break;
  }
  if (owner == WorkloadOwner::kFolder || origin == Origin::kStore) return {};
  return fail(ErrorCode::kUnavailable, "the host is still restoring its workloads");
}

Result<void> WorkloadManager::checkOwner(const Entry& entry, WorkloadOwner owner) const {
  if (entry.owner == owner) return {};
  return fail(
      ErrorCode::kAlreadyExists,
      fmt::format("the workload {} is owned by {}", inQuotes(entry.id),
                  entry.owner == WorkloadOwner::kApi
                      ? std::string("the administration API")
                      : fmt::format("the workloads folder (file {})", inQuotes(entry.source))));
}

Result<void> WorkloadManager::checkAdmissible(const WorkloadSpec& spec,
                                              const Exchange* exchange) const {
  TRY_VOID(checkRunnable(spec));
  const auto conflict = claims_.firstConflict(
      spec, exchange == nullptr ? RouteClaims::Partners{} : exchange->members);
  if (!conflict) return {};
  return fail(ErrorCode::kAlreadyExists,
              fmt::format("the route {} is already claimed by the workload {}",
                          inQuotes(conflict->route), inQuotes(conflict->holder)));
}

namespace {

std::shared_ptr<const WorkloadSpec> withoutRoutes(const WorkloadSpec& spec) {
  auto none = std::make_shared<WorkloadSpec>(spec);
  none->routes.clear();
  return none;
}

// Whether applying it again may bring something else.
bool asksRegistries(const WorkloadSpec& spec) {
  return std::ranges::any_of(spec.members(), [](const ComponentSpec& member) {
    return member.pull_policy == oci::PullPolicy::kAlways;
  });
}

}  // namespace

// Puts an operation into another exchange (null: none), if it is not too late for that.
void WorkloadManager::joinExchange(const Entry& entry, Operation& operation,
                                   const ExchangePointer& exchange) {
  const ExchangePointer before = operation.exchange;
  const bool waits = before != nullptr ? !before->begun : &operation == entry.queued.get();
  if (operation.outcome || before == exchange || !waits) return;
  operation.exchange = exchange;
  if (before != nullptr) before->callOff();  // last: who waited there then waits in the new one
}

// The operation whose outcome an equal apply shares: one that is queued or runs, or none, marked
// by a null pointer.
WorkloadManager::OperationPointer WorkloadManager::sameAsNewest(
    const Entry& entry, const WorkloadSpec& spec, const std::vector<FileStamp>& stamps) const {
  const OperationPointer& newest = entry.newest();
  if (newest != nullptr) return newest->asksFor(spec, stamps) ? newest : nullptr;
  const bool serves = entry.last_applied != nullptr && entry.last_applied->succeeded() &&
                      entry.last_applied->asksFor(spec, stamps) && !asksRegistries(spec) &&
                      !entry.serviceProblem() && !entry.ended();
  return serves ? entry.last_applied : nullptr;
}

Result<WorkloadManager::OperationPointer> WorkloadManager::submitApply(
    std::shared_ptr<const WorkloadSpec> spec, ApplyOptions options, const StoredWorkload* stored) {
  const Origin origin = stored == nullptr ? Origin::kRequest : Origin::kStore;
  TRY_VOID(checkPhase(options.owner, origin));
  std::vector<FileStamp> stamps = stampsOf(*spec);
  const auto found = entries_.find(spec->id());
  EntryPointer entry = found == entries_.end() ? nullptr : found->second;
  if (entry != nullptr) {
    TRY_VOID(checkOwner(*entry, options.owner));
    entry->source = options.source;
    if (OperationPointer same = sameAsNewest(*entry, *spec, stamps)) {
      entry->source_problem.clear();
      if (options.exchange != nullptr) joinExchange(*entry, *same, options.exchange);
      return same;
    }
  }
  if (origin == Origin::kRequest) TRY_VOID(checkAdmissible(*spec, options.exchange.get()));
  // Who takes another one's place comes before that is gone. What is stored was taken before.
  const std::size_t leaving = options.exchange == nullptr ? 0 : options.exchange->leaving;
  if (origin == Origin::kRequest && entry == nullptr &&
      entries_.size() >= options_.max_workloads + leaving)
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("the host has {} workloads, the most it takes", entries_.size()));
  std::uint64_t generation = stored == nullptr ? 0 : stored->generation;
  if (stored == nullptr) {
    TRY(generation, environment_.store.nextGeneration());
  }
  if (entry == nullptr) {
    entry = std::make_shared<Entry>(spec->id(), options.owner, std::move(options.source));
    entries_.emplace(entry->id, entry);
    ++countOf(entry->state);
  }
  entry->spec = spec;
  entry->generation = generation;
  entry->source_problem.clear();
  auto operation = std::make_shared<Operation>();
  operation->spec = std::move(spec);
  operation->stamps = std::move(stamps);
  operation->generation = generation;
  operation->exchange = std::move(options.exchange);
  operation->save = options.owner == WorkloadOwner::kApi && origin == Origin::kRequest;
  operation->restores = origin == Origin::kStore;
  if (stored != nullptr) operation->problem = stored->problem;
  enqueue(entry, operation);
  return operation;
}

Result<WorkloadManager::OperationPointer> WorkloadManager::submitRemove(
    const std::string& id, WorkloadOwner owner, const ExchangePointer& exchange) {
  TRY_VOID(checkPhase(owner, Origin::kRequest));
  const auto found = entries_.find(id);
  if (found == entries_.end())
    return fail(ErrorCode::kNotFound, fmt::format("there is no workload {}", inQuotes(id)));
  const EntryPointer entry = found->second;
  TRY_VOID(checkOwner(*entry, owner));
  const OperationPointer newest = entry->newest();
  if (newest != nullptr && newest->spec == nullptr) {
    joinExchange(*entry, *newest, exchange);
    return newest;
  }
  auto operation = std::make_shared<Operation>();
  operation->exchange = exchange;
  operation->save = owner == WorkloadOwner::kApi;
  enqueue(entry, operation);
  return operation;
}

void WorkloadManager::enqueue(const EntryPointer& entry, OperationPointer operation) {
  entry->retry_at.reset();
  entry->retry.reset();
  const OperationPointer older = std::exchange(entry->queued, std::move(operation));
  if (older != nullptr) older->finish(superseded(*entry));
  if (entry->running == nullptr)
    tasks_.spawn(work(entry));
  else
    giveWay(entry->running);
}

Result<void> WorkloadManager::superseded(const Entry& entry) {
  return fail(ErrorCode::kCancelled,
              fmt::format("superseded by a newer change of the workload {}", inQuotes(entry.id)));
}

// What is newer need wait neither for what this one still lacks nor for others. It may have come to
// its end, and the newer one, too, when this returns.
void WorkloadManager::giveWay(OperationPointer running) {
  if (running->preparing != nullptr)
    running->preparing->cancelAll();
  else if (const ExchangePointer exchange = running->exchange)
    exchange->callOff();
}

RouteClaims::Partners WorkloadManager::holdersOf(const Specs& next) const {
  RouteClaims::Partners all;
  for (const auto& spec : next) all.merge(claims_.holdersOf(*spec));
  return all;
}

// Those of the ids that may be removed, as specs that claim nothing.
WorkloadManager::Specs WorkloadManager::removalsOf(const std::vector<std::string>& ids,
                                                   WorkloadOwner owner) const {
  Specs specs;
  for (const std::string& id : ids) {
    const auto entry = entries_.find(id);
    const bool known = entry != entries_.end() && entry->second->owner == owner;
    specs.push_back(known ? withoutRoutes(*entry->second->spec) : nullptr);
  }
  return specs;
}

// The others in exchanges under way that a conflicting one of `next` is to leave.
std::vector<WorkloadManager::EntryPointer> WorkloadManager::partnersOf(
    const Specs& next, const std::vector<std::string>& removed) const {
  std::set<std::string> asked(removed.begin(), removed.end());
  for (const auto& spec : next) asked.insert(spec->id());
  std::vector<EntryPointer> partners;
  for (const auto& spec : next) {
    const auto entry = entries_.find(spec->id());
    if (entry == entries_.end() || entry->second->newest() == nullptr) continue;
    const ExchangePointer exchange = entry->second->newest()->exchange;
    if (exchange == nullptr || exchange->begun || exchange->off) continue;
    if (!claims_.firstConflict(*spec)) continue;
    for (const std::string& member : exchange->members) {
      const auto other = entries_.find(member);
      if (other == entries_.end()) continue;
      const OperationPointer& operation = other->second->newest();
      if (operation != nullptr && operation->exchange == exchange && asked.insert(member).second)
        partners.push_back(other->second);
    }
  }
  return partners;
}

WorkloadManager::ExchangePlan WorkloadManager::planExchanges(
    const Specs& next, const std::vector<std::string>& removed, WorkloadOwner owner) {
  ExchangePlan plan{.applies = std::vector<ExchangePointer>(next.size()),
                    .removals = std::vector<ExchangePointer>(removed.size())};
  Specs changes;
  std::vector<ExchangePointer*> places;  // where each change is told of its exchange
  std::set<std::string> leaving;         // ids of those that are removed
  for (std::size_t i = 0; i < next.size(); ++i) {
    const auto entry = entries_.find(next[i]->id());
    if (entry != entries_.end() && entry->second->owner != owner) continue;
    if (!checkRunnable(*next[i])) continue;
    changes.push_back(next[i]);
    places.push_back(&plan.applies[i]);
  }
  const Specs removals = removalsOf(removed, owner);
  for (std::size_t i = 0; i < removals.size(); ++i) {
    if (!removals[i]) continue;
    changes.push_back(removals[i]);
    places.push_back(&plan.removals[i]);
    leaving.insert(removals[i]->id());
  }
  const std::size_t asked = places.size();
  std::vector<ExchangePointer> left;
  for (const EntryPointer& partner : partnersOf(next, removed)) {
    const OperationPointer& operation = partner->newest();
    changes.push_back(operation->spec ? operation->spec : withoutRoutes(*partner->spec));
    if (!operation->spec) leaving.insert(partner->id);
    places.push_back(&operation->exchange);
  }
  std::vector<const WorkloadSpec*> specs;
  for (const auto& change : changes) specs.push_back(change.get());
  for (const RouteClaims::Group& group : claims_.exchanges(specs)) {
    if (std::ranges::none_of(group, [&](std::size_t member) { return member < asked; })) continue;
    const auto exchange = std::make_shared<Exchange>();
    for (const std::size_t member : group) {
      exchange->members.insert(changes[member]->id());
      if (leaving.contains(changes[member]->id())) ++exchange->leaving;
      const ExchangePointer before = std::exchange(*places[member], exchange);
      if (before != nullptr) left.push_back(before);
    }
  }
  // Last: who waited there then waits in the new one.
  for (const ExchangePointer& exchange : left) exchange->callOff();
  return plan;
}

Task<Result<WorkloadStatus>> WorkloadManager::apply(std::shared_ptr<const WorkloadSpec> spec,
                                                    ApplyOptions options) {
  const std::string id = spec->id();
  const Wait wait = options.wait;
  const ExchangePointer exchange = options.exchange;
  auto operation = submitApply(std::move(spec), std::move(options));
  // The others need not wait for what does not come.
  if (exchange != nullptr && (!operation || (*operation)->exchange != exchange))
    exchange->callOff();
  if (!operation) {
    refused_->add();
    co_return std::unexpected(std::move(operation).error());
  }
  if (wait == Wait::kForOutcome) {
    co_await (*operation)->done.wait();
    CO_TRY_VOID(*(*operation)->outcome);
  }
  // It may be gone again already, or have been replaced: the answer is what is true now.
  co_return get(id);
}

void WorkloadManager::keep(const std::string& id, WorkloadOwner owner) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second->owner != owner) return;
  const EntryPointer entry = found->second;
  entry->source_problem.clear();
  const OperationPointer newest = entry->newest();
  if (newest == nullptr || newest->spec != nullptr) return;
  if (newest == entry->queued) {
    entry->queued = nullptr;
    newest->finish(fail(ErrorCode::kCancelled, "it is not to be removed any more"));
  } else if (const ExchangePointer exchange = newest->exchange) {
    exchange->callOff();
  }
}

bool WorkloadManager::isApplying(const std::string& id) const {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return false;
  const OperationPointer& running = found->second->running;
  return running != nullptr && running->spec != nullptr;
}

Task<Result<void>> WorkloadManager::remove(std::string id, WorkloadOwner owner,
                                           ExchangePointer exchange) {
  const auto operation = submitRemove(id, owner, exchange);
  if (exchange != nullptr && (!operation || (*operation)->exchange != exchange))
    exchange->callOff();
  if (!operation) co_return std::unexpected(operation.error());
  co_await (*operation)->done.wait();
  co_return *(*operation)->outcome;
}

void WorkloadManager::setSourceProblem(const std::string& id, std::string problem) {
  if (const auto found = entries_.find(id); found != entries_.end())
    found->second->source_problem = std::move(problem);
}

WorkloadStatus WorkloadManager::statusOf(const Entry& entry) const {
  WorkloadStatus status;
  status.spec = entry.spec;
  status.owner = entry.owner;
  status.source = entry.source;
  status.state = entry.state;
  status.generation = entry.generation;
  status.observed_generation = entry.observed_generation;
  const bool serves = entry.serving != nullptr && !entry.ended();
  status.serving_generation = serves ? entry.serving->generation() : 0;
  status.reason = entry.source_problem.empty() ? entry.reason : entry.source_problem;
  if (status.reason.empty() && entry.ended()) status.reason = entry.ended_because;
  if (status.reason.empty()) status.reason = entry.serviceProblem().value_or("");
  status.changed_at = entry.changed_at;
  status.retry_at = entry.retry_at;
  return status;
}

Result<WorkloadStatus> WorkloadManager::get(const std::string& id) const {
  const auto found = entries_.find(id);
  if (found == entries_.end())
    return fail(ErrorCode::kNotFound, fmt::format("there is no workload {}", inQuotes(id)));
  WorkloadStatus status = statusOf(*found->second);
  if (const auto& serving = found->second->serving) {
    status.components = serving->components();
    status.service = serving->service();
  }
  return status;
}

std::vector<WorkloadStatus> WorkloadManager::list(std::string_view after, std::size_t most) const {
  std::vector<WorkloadStatus> all;
  for (auto it = entries_.upper_bound(after); it != entries_.end() && all.size() < most; ++it)
    all.push_back(statusOf(*it->second));
  return all;
}

std::size_t& WorkloadManager::countOf(WorkloadState state) {
  switch (state) {
    case WorkloadState::kStarting: return counts_.starting;
    case WorkloadState::kRunning: return counts_.running;
    case WorkloadState::kStopping: return counts_.stopping;
    case WorkloadState::kError: break;
  }
  return counts_.error;
}

void WorkloadManager::setState(Entry& entry, WorkloadState state) {
  --countOf(entry.state);
  ++countOf(state);
  entry.state = state;
  entry.changed_at = environment_.clock.wallNow();
  publishCounts();
}

void WorkloadManager::publishCounts() {
  for (std::size_t i = 0; i < std::size(gauges_); ++i)
    gauges_[i]->set(static_cast<std::int64_t>(countOf(static_cast<WorkloadState>(i))));
}

}  // namespace nimbus::host
