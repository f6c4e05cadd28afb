#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/race.h"
#include "host/control/workload_entry.h"
#include "host/control/workload_manager.h"

// The part of the manager that carries operations out.
namespace nimbus::host {
namespace {

// Whether it is the world around the host that failed: a disk, or a server that may come yet.
bool isOfTheMoment(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kDeadlineExceeded ||
         code == ErrorCode::kIo;
}

// Whether an image that could not be had may be there later, without any change here.
bool mayPass(ErrorCode code) {
  return isOfTheMoment(code) || code == ErrorCode::kNotFound ||
         code == ErrorCode::kPermissionDenied;
}

// Whether it failed for want of a component's file, which may come or become readable later.
bool lacksFile(const WorkloadSpec& spec, ErrorCode code) {
  return (code == ErrorCode::kNotFound || code == ErrorCode::kPermissionDenied) &&
         std::ranges::any_of(spec.members(), [](const ComponentSpec& member) {
           return !member.file.empty() && ::access(member.file.c_str(), R_OK) != 0;
         });
}

constexpr std::uint32_t kMostDoublings = 10;  // of the pause before a retry

}  // namespace

// Runs the operations of one workload until none is queued. One such task per busy workload.
Task<void> WorkloadManager::work(EntryPointer entry) {
  while (entry->queued != nullptr) {
    const OperationPointer operation = std::exchange(entry->queued, nullptr);
    entry->running = operation;
    const bool applies = operation->spec != nullptr;
    Result<void> outcome = fail(ErrorCode::kInternal, "not run");
    if (applies)
      outcome = co_await runApply(entry, operation);
    else
      outcome = co_await runRemove(entry, operation);
    entry->running = nullptr;
    if (!applies)
      settleRemove(*entry, outcome);
    else if (!operation->gave_way)
      settleApply(entry, *operation, outcome);
    const bool gone = !applies && outcome && entry->queued == nullptr;
    if (gone) {
      --countOf(entry->state);
      publishCounts();
      entries_.erase(entry->id);
      if (released_) released_();
    }
    if (operation->may_retry && entry->queued == nullptr) planRetry(entry, operation);
    // Last: who waits may ask for the next change of this workload at once. With `running` empty
    // that would start a second task, so the place stays taken until the waiters have returned.
    if (!gone) entry->running = operation;
    operation->finish(std::move(outcome));
    entry->running = nullptr;
  }
}

Task<Result<void>> WorkloadManager::runApply(EntryPointer entry, OperationPointer operation) {
  const WorkloadSpec& spec = *operation->spec;
  entry->last_applied = operation;
  if (entry->serving == nullptr) setState(*entry, WorkloadState::kStarting);
  if (!operation->problem.empty())
    co_return fail(ErrorCode::kInvalidArgument,
                   fmt::format("what is stored of it is no valid manifest any more; apply it anew "
                               "or delete it: {}",
                               operation->problem));
  const Exchange* const exchange = operation->exchange.get();
  CO_TRY_VOID(checkAdmissible(spec, exchange != nullptr && !exchange->off ? exchange : nullptr));
  claims_.add(spec);
  environment_.events.add(EventKind::kStarting, entry->id, operation->generation, "");

  auto prepared = co_await prepareOrGiveWay(operation);
  operation->gave_way = !prepared;
  Result<void> outcome;
  if (!prepared)
    outcome = superseded(*entry);
  else if (*prepared)
    outcome = co_await activate(entry, operation, **std::move(prepared));
  else
    outcome = std::unexpected(std::move(*prepared).error());
  if (!outcome) releaseRoutes(spec);
  co_return outcome;
}

// Nothing if it was given up for a newer change. Once this is over it takes effect, or fails.
Task<std::optional<WorkloadManager::Prepared>> WorkloadManager::prepareOrGiveWay(
    OperationPointer operation) {
  std::optional<Prepared> prepared;
  TaskSet preparing;
  operation->preparing = &preparing;
  preparing.spawn(prepare(operation, &prepared));
  co_await preparing.empty();
  operation->preparing = nullptr;
  co_return prepared;
}

Task<void> WorkloadManager::prepare(OperationPointer operation, std::optional<Prepared>* prepared) {
  using Freshness = WorkloadRuntime::Freshness;
  // A restart of the host changes no code.
  const auto freshness = operation->restores ? Freshness::kCacheWillDo : Freshness::kAsManifestSays;
  auto fetched = co_await environment_.runtime.fetch(operation->spec, freshness);
  if (!fetched) {
    operation->may_retry = mayPass(fetched.error().code());
    *prepared = std::unexpected(std::move(fetched).error());
    co_return;
  }
  const TimePoint begun = environment_.clock.now();
  *prepared = co_await environment_.runtime.prepare(*std::move(fetched), operation->generation);
  prepare_seconds_->observe(
      std::chrono::duration<double>(environment_.clock.now() - begun).count());
  if (**prepared) co_return;
  const ErrorCode code = (*prepared)->error().code();
  // Whoever applies it hears of want of memory, and may ask again; of what is restored, is the
  // folder's or is tried once more nobody does.
  const bool is_heard = operation->save && operation->earlier_failures == 0;
  operation->may_retry = isOfTheMoment(code) || lacksFile(*operation->spec, code) ||
                         (code == ErrorCode::kResourceExhausted && !is_heard);
}

// From here on only the disk can refuse, and that before any route moves.
Task<Result<void>> WorkloadManager::activate(EntryPointer entry, OperationPointer operation,
                                             std::shared_ptr<Deployment> next) {
  if (operation->save)
    CO_TRY_VOID(co_await environment_.store.save({operation->spec, operation->generation}));
  if (!co_await exchangeRoutes(entry, operation, next)) {
    if (operation->exchange != nullptr) CO_TRY_VOID(checkAdmissible(*operation->spec, nullptr));
    entry->incoming = next;
    co_await environment_.runtime.swap(entry->serving, next);
  }
  entry->incoming = nullptr;
  const std::shared_ptr<Deployment> previous = std::exchange(entry->serving, std::move(next));
  if (previous != nullptr) {
    releaseRoutes(previous->spec());
    retiring_.spawn(environment_.runtime.retire(previous, options_.retire_bound));
  }
  co_return Result<void>();
}

// Whether the operation's exchange, if it has one, brought `next` about (null: a removal).
Task<bool> WorkloadManager::exchangeRoutes(EntryPointer entry, OperationPointer operation,
                                           std::shared_ptr<Deployment> next) {
  ExchangePointer exchange;
  do {  // it may be put into another one while it waits
    exchange = operation->exchange;
    if (exchange != nullptr && co_await takePart(entry, exchange, next)) co_return true;
  } while (exchange != operation->exchange);
  co_return false;
}

// True when all of the exchange have taken effect, the last to be ready having seen to that; false
// when it is off.
Task<bool> WorkloadManager::takePart(EntryPointer entry, ExchangePointer exchange,
                                     std::shared_ptr<Deployment> next) {
  if (exchange->off) co_return false;
  exchange->ready.push_back({std::move(entry), std::move(next)});
  if (exchange->ready.size() < exchange->members.size()) {
    co_await exchange->over.wait();
    co_return !exchange->off;
  }
  exchange->begun = true;
  std::vector<WorkloadRuntime::Replacement> replacements;
  for (auto& [member, fresh] : std::exchange(exchange->ready, {})) {
    member->incoming = fresh;
    if (fresh != nullptr || member->serving != nullptr)
      replacements.push_back({member->serving, std::move(fresh)});
  }
  co_await environment_.runtime.swapTogether(std::move(replacements));
  exchange->over.set();
  co_return true;
}

Task<Result<void>> WorkloadManager::runRemove(EntryPointer entry, OperationPointer operation) {
  // It serves until those that take its routes do.
  const bool exchanged = co_await exchangeRoutes(entry, operation, nullptr);
  if (operation->exchange != nullptr && !exchanged && entry->serving != nullptr) {
    co_return fail(ErrorCode::kCancelled,
                   "it serves on, because what is to have its routes could not start");
  }
  setState(*entry, WorkloadState::kStopping);
  environment_.events.add(EventKind::kStopping, entry->id, entry->generation, "");
  if (operation->save) CO_TRY_VOID(co_await environment_.store.remove(entry->id));
  if (entry->serving != nullptr) {
    if (!exchanged) co_await environment_.runtime.swap(entry->serving, nullptr);
    const std::shared_ptr<Deployment> previous = std::exchange(entry->serving, nullptr);
    releaseRoutes(previous->spec());
    retiring_.spawn(environment_.runtime.retire(previous, options_.retire_bound));
  }
  entry->last_applied = nullptr;
  co_return Result<void>();
}

void WorkloadManager::settleApply(const EntryPointer& entry, const Operation& operation,
                                  const Result<void>& outcome) {
  entry->observed_generation = operation.generation;
  if (!outcome) {
    settleFailure(*entry, operation, outcome.error());
    return;
  }
  applied_->add();
  entry->reason.clear();
  setState(*entry, stateOfServing(*entry));
  environment_.events.add(EventKind::kRunning, entry->id, operation.generation, "");
  environment_.log.info("workload serves", {{"workload", entry->id},
                                            {"generation", std::to_string(operation.generation)}});
  if (operation.earlier_failures > 0 && recovered_) recovered_(entry->id);
}

void WorkloadManager::settleFailure(Entry& entry, const Operation& operation, const Error& error) {
  const std::string generation = std::to_string(operation.generation);
  failed_->add();
  const std::string why = error.describe();
  if (entry.serving == nullptr || entry.ended()) {
    entry.reason = why;
    setState(entry, WorkloadState::kError);
  } else {
    entry.reason = fmt::format("generation {} failed, generation {} still serves: {}", generation,
                               entry.serving->generation(), why);
    setState(entry, stateOfServing(entry));
  }
  environment_.events.add(EventKind::kFailed, entry.id, operation.generation, why);
  environment_.log.warn("workload failed to start",
                        {{"workload", entry.id}, {"generation", generation}, {"error", why}});
}

// The retry is an operation of its own, but of the same generation.
void WorkloadManager::planRetry(const EntryPointer& entry, OperationPointer failed) {
  const Duration pause =
      std::min(std::max(options_.longest_retry, options_.first_retry),
               options_.first_retry * (1 << std::min(failed->earlier_failures, kMostDoublings)));
  entry->retry_at = environment_.clock.wallNow() +
                    std::chrono::duration_cast<std::chrono::system_clock::duration>(pause);
  entry->retry = std::make_unique<net::Timer>(
      environment_.shard, [this, weak = std::weak_ptr(entry), failed = std::move(failed)] {
        if (const EntryPointer alive = weak.lock()) retry(alive, *failed);
      });
  entry->retry->armAfter(pause);
}

void WorkloadManager::retry(const EntryPointer& entry, const Operation& failed) {
  if (isDraining()) return;
  auto again = std::make_shared<Operation>();
  again->spec = failed.spec;
  again->stamps = stampsOf(*failed.spec);
  again->generation = failed.generation;
  again->save = failed.save;
  again->restores = failed.restores;
  again->earlier_failures = failed.earlier_failures + 1;
  enqueue(entry, std::move(again));
}

// Nothing comes any more of a generation that gave way to a removal which has failed. Says so; ""
// if there is none.
std::string WorkloadManager::settleSuperseded(Entry& entry) {
  // What is queued will say itself what comes of it.
  if (entry.queued != nullptr || entry.observed_generation == entry.generation) return "";
  entry.observed_generation = entry.generation;
  entry.last_applied = nullptr;  // what serves is not what was asked for last
  std::string what = fmt::format("generation {} was given up for the removal", entry.generation);
  if (entry.serving != nullptr && !entry.ended())
    what += fmt::format(", generation {} still serves", entry.serving->generation());
  return what;
}

void WorkloadManager::settleRemove(Entry& entry, const Result<void>& outcome) {
  if (outcome) {
    entry.reason.clear();
    environment_.events.add(EventKind::kRemoved, entry.id, entry.generation, "");
    environment_.log.info("workload removed", {{"workload", entry.id}});
    return;
  }
  const std::string superseded = settleSuperseded(entry);
  if (entry.state != WorkloadState::kStopping) {  // an exchange that did not come about
    if (!superseded.empty()) entry.reason = superseded;
    return;
  }
  entry.reason = fmt::format("it could not be removed: {}{}{}", outcome.error().describe(),
                             superseded.empty() ? "" : "; ", superseded);
  setState(entry, stateOfServing(entry));
  environment_.log.error("workload could not be removed",
                         {{"workload", entry.id}, {"error", entry.reason}});
}

WorkloadState WorkloadManager::stateOfServing(const Entry& entry) {
  if (entry.serving == nullptr || entry.ended()) return WorkloadState::kError;
  const bool only_service = entry.serving->spec().components.empty();
  return only_service && entry.serviceProblem() ? WorkloadState::kError : WorkloadState::kRunning;
}

namespace {

EventKind eventOf(ServiceState state) {
  switch (state) {
    case ServiceState::kRestarting: return EventKind::kServiceRestarting;
    case ServiceState::kCompleted: return EventKind::kServiceCompleted;
    case ServiceState::kFailed: return EventKind::kServiceFailed;
    case ServiceState::kStarting:
    case ServiceState::kRunning: break;
  }
  return EventKind::kServiceRunning;
}

std::string messageOf(const ServiceProgress& progress) {
  if (progress.restarts == 0) return progress.reason;
  return fmt::format("{}{}after {} restart{}", progress.reason, progress.reason.empty() ? "" : ", ",
                     progress.restarts, progress.restarts == 1 ? "" : "s");
}

}  // namespace

std::optional<std::string> WorkloadManager::Entry::serviceProblem() const {
  const auto service = serving == nullptr ? std::nullopt : serving->service();
  if (!service || service->progress.state != ServiceState::kFailed) return std::nullopt;
  return "the service has failed: " + messageOf(service->progress);
}

void WorkloadManager::hearOfService(const ServiceNews& news) {
  const auto found = entries_.find(news.workload);
  if (found == entries_.end()) return;
  Entry& entry = *found->second;
  const auto is_meant = [&](const std::shared_ptr<Deployment>& deployment) {
    return deployment != nullptr && deployment->generation() == news.generation;
  };
  // One that was replaced has nothing to tell any more.
  if (!is_meant(entry.serving) && !is_meant(entry.incoming)) return;
  const ServiceProgress& progress = news.progress;
  environment_.events.add(eventOf(progress.state), entry.id, news.generation, messageOf(progress));
  if (progress.state == ServiceState::kFailed && is_meant(entry.serving) &&
      entry.state == WorkloadState::kRunning)
    setState(entry, stateOfServing(entry));
}

void WorkloadManager::hearOfEnd(const EndedNews& news) {
  environment_.events.add(EventKind::kEnded, news.workload, news.generation, news.reason);
  environment_.log.error("workload was ended", {{"workload", news.workload},
                                                {"generation", std::to_string(news.generation)},
                                                {"reason", news.reason}});
  const auto found = entries_.find(news.workload);
  if (found == entries_.end()) return;
  Entry& entry = *found->second;
  // Older ones may run on for a while.
  if (news.generation <= entry.ended_generation) return;
  entry.ended_generation = news.generation;
  entry.ended_because = "the workload was ended: " + news.reason;
  if (entry.ended() && entry.state == WorkloadState::kRunning)
    setState(entry, stateOfServing(entry));
}

void WorkloadManager::releaseRoutes(const WorkloadSpec& spec) {
  claims_.remove(spec);
  if (!spec.routes.empty() && released_) released_();
}

Task<void> WorkloadManager::restoreAll() {
  std::vector<OperationPointer> operations;
  for (const StoredWorkload& stored : co_await environment_.store.load()) {
    auto operation = submitApply(stored.spec, {.source = ""}, &stored);
    if (operation)
      operations.push_back(*std::move(operation));
    else
      environment_.log.error(
          "a stored workload cannot be restored",
          {{"workload", stored.spec->id()}, {"error", operation.error().describe()}});
  }
  for (const OperationPointer& operation : operations) co_await operation->done.wait();
}

void WorkloadManager::markReady() {
  environment_.readiness.markReady();
  if (environment_.readiness.ready())
    environment_.events.add(EventKind::kReady, "", 0,
                            fmt::format("{} of {} workloads serve", counts_.running, size()));
}

bool WorkloadManager::isDraining() const {
  return environment_.readiness.phase() == Readiness::Phase::kDraining;
}

void WorkloadManager::startDrain() {
  if (isDraining()) return;
  environment_.readiness.markDraining();
  environment_.events.add(EventKind::kDraining, "", 0, "");
}

Task<void> WorkloadManager::stopAll(Duration bound) {
  startDrain();
  tasks_.cancelAll();
  const Result<void> stopped = fail(ErrorCode::kUnavailable, "the host is stopping");
  const Entries entries = std::exchange(entries_, {});
  counts_ = {};
  publishCounts();
  for (const auto& [id, entry] : entries) {
    for (const auto& deployment : {entry->serving, entry->incoming}) {
      if (deployment == nullptr) continue;
      co_await environment_.runtime.swap(deployment, nullptr);
      retiring_.spawn(environment_.runtime.retire(deployment, bound));
    }
    for (OperationPointer* operation : {&entry->running, &entry->queued})
      if (const OperationPointer ended = std::exchange(*operation, nullptr)) ended->finish(stopped);
  }
  // Also for what was replaced before, by a bound of its own; the data plane ends what is left.
  co_await withTimeout(retiring_.empty(), environment_.shard.sleepFor(bound));
  retiring_.cancelAll();
}

}  // namespace nimbus::host
