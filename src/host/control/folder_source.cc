#include "host/control/folder_source.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/escape.h"

namespace nimbus::host {
namespace {

constexpr Duration kLongestPause = std::chrono::minutes(5);

// Failures that are nobody's fault and may be gone at the next look.
bool isTransient(ErrorCode code) {
  return code == ErrorCode::kUnavailable || code == ErrorCode::kResourceExhausted ||
         code == ErrorCode::kIo || code == ErrorCode::kDeadlineExceeded;
}

}  // namespace

FolderSource::FolderSource(Environment environment, std::string folder, Duration debounce,
                           Duration retry_pause)
    : environment_(environment),
      folder_(std::move(folder)),
      debounce_(debounce),
      reader_(folder_),
      retry_pause_(retry_pause),
      next_pause_(retry_pause),
      retry_(environment_.shard,
             [this] {
               retry_due_ = true;
               wake_.set();
             }),
      look_at_links_(environment_.shard, [this] { tasks_.spawn(lookAtLinks()); }) {
  environment_.manager.onReleased([this] {
    // What is stuck waits for its time, or what fails again and again would never rest.
    const bool waited_for = std::ranges::any_of(
        files_, [](const auto& file) { return file.second.waits && !file.second.stuck; });
    // Not now: the manager is in the middle of something.
    if (waited_for)
      environment_.shard.post([alive = std::weak_ptr(alive_), this] {
        if (!alive.expired()) wake_.set();
      });
  });
  environment_.manager.onRecovered([this](const std::string& id) {
    const auto holder = holders_.find(id);
    if (holder == holders_.end()) return;
    files_[holder->second].transient = false;
    clearProblem(holder->second);
  });
}

FolderSource::~FolderSource() {
  environment_.manager.onReleased({});
  environment_.manager.onRecovered({});
}

Task<Result<void>> FolderSource::start() {
  // Watching comes first, so that nothing changes unnoticed between the two.
  CO_TRY(watch_, net::watchFolder(environment_.shard, folder_, debounce_, [this] {
           // What cannot be watched is only looked at: that is no reason to try failures again.
           folder_changed_ |= watch_->problem().empty();
           wake_.set();
         }));
  CO_TRY(FolderListing listing, co_await read());
  TaskSet first;
  co_await take(std::move(listing), first, {.folder_changed = true, .retry_due = false});
  co_await first.empty();
  tasks_.spawn(follow());
  co_return Result<void>();
}

Task<void> FolderSource::follow() {
  while (true) {
    co_await wake_.wait();
    wake_.clear();
    const Wake wake{.folder_changed = std::exchange(folder_changed_, false),
                    .retry_due = std::exchange(retry_due_, false)};
    if (wake.folder_changed)
      next_pause_ = retry_pause_;
    else if (wake.retry_due)
      next_pause_ = std::min(2 * next_pause_, std::max(kLongestPause, retry_pause_));
    auto listing = co_await read();
    if (!listing) {
      setFolderProblem(listing.error().describe() + "; its workloads stay as they are");
      folder_changed_ |= wake.folder_changed;
      retry_.armAfter(next_pause_);
      continue;
    }
    const std::string blind = watch_->problem();
    setFolderProblem(blind.empty() ? "" : blind + "; it is read every five seconds");
    co_await take(*std::move(listing), applies_, wake);
  }
}

Task<Result<FolderListing>> FolderSource::read() {
  auto listing = co_await worker_.run<Result<FolderListing>>(environment_.shard,
                                                             [this] { return reader_.list(); });
  has_links_ = listing && reader_.hasLinks();
  if (has_links_) look_at_links_.armAfter(retry_pause_);
  co_return listing;
}

// The watch sees the folder alone, not the files elsewhere that its links lead to.
Task<void> FolderSource::lookAtLinks() {
  const bool changed =
      co_await worker_.run<bool>(environment_.shard, [this] { return reader_.linksChanged(); });
  if (changed) {
    folder_changed_ = true;
    wake_.set();
  } else if (has_links_) {
    look_at_links_.armAfter(retry_pause_);
  }
}

Task<void> FolderSource::take(FolderListing listing, TaskSet& applies, Wake wake) {
  const Holders holders = assign(listing);
  const std::vector<std::string> absent = absentIn(holders);
  const std::set<std::string> left = std::exchange(leaving_, {absent.begin(), absent.end()});
  forgetFiles(listing);
  holders_ = holders;
  for (const std::string& id : left)
    if (holders.contains(id)) environment_.manager.keep(id, WorkloadOwner::kFolder);
  std::vector<std::string> changed;  // names
  std::vector<std::shared_ptr<const WorkloadSpec>> specs;
  for (const auto& [name, manifest] : listing) {
    File& file = files_[name];
    if (!manifest->spec || holders.at((*manifest->spec)->id()) != name) {
      reportUnusable(name, *manifest, holders);
      file.applied = nullptr;
      continue;
    }
    const bool again = (file.waits && !file.stuck) ||
                       (file.stuck && (wake.retry_due || wake.folder_changed)) ||
                       (file.transient && wake.folder_changed);
    if (file.applied == manifest && !again) continue;
    file.applied = manifest;
    file.waits = false;  // judged anew: until then no route that becomes free is waited for
    file.wants = *manifest->spec;
    file.id = (*manifest->spec)->id();
    changed.push_back(name);
    specs.push_back(*manifest->spec);
  }
  const std::vector<std::string> replaced = co_await removeUnwanted(absent, listing, applies);
  // Judged together: the routes of one may be those that another one has until now.
  const auto plan = environment_.manager.planExchanges(specs, replaced, WorkloadOwner::kFolder);
  for (std::size_t i = 0; i < replaced.size(); ++i) {
    // It waits for those that are under way, or whose manifests have to be mended.
    environment_.manager.setSourceProblem(
        replaced[i], "its manifest is gone; it serves until what is to have its routes does");
    if (plan.removals[i]) applies.spawn(removeWorkload(replaced[i], plan.removals[i]));
  }
  for (std::size_t i = 0; i < changed.size(); ++i)
    applies.spawn(applyFile(changed[i], listing.at(changed[i]), plan.applies[i]));
}

// Removes those that do not serve, or whose routes no file is to have, which makes room; gives the
// others. One that is about to take effect cannot go before that has ended, which is not waited
// for: its claims are conflicts until then.
Task<std::vector<std::string>> FolderSource::removeUnwanted(const std::vector<std::string>& absent,
                                                            const FolderListing& listing,
                                                            TaskSet& applies) {
  if (absent.empty()) co_return absent;
  WorkloadManager::Specs wanted;
  for (const auto& [name, manifest] : listing)
    if (const auto& spec = files_[name].wants) wanted.push_back(spec);
  const RouteClaims::Partners holders = environment_.manager.holdersOf(wanted);
  std::vector<std::string> replaced;
  TaskSet removals;
  for (const std::string& id : absent) {
    if (holders.contains(id) && servesOfFolder(id))
      replaced.push_back(id);
    else if (environment_.manager.isApplying(id))
      applies.spawn(removeWorkload(id, nullptr));
    else
      removals.spawn(removeWorkload(id, nullptr));
  }
  co_await removals.empty();
  co_return replaced;
}

std::vector<std::string> FolderSource::absentIn(const Holders& holders) const {
  std::set<std::string> absent = leaving_;
  for (const auto& [id, name] : holders_) absent.insert(id);
  std::erase_if(absent, [&](const std::string& id) { return holders.contains(id); });
  return {absent.begin(), absent.end()};
}

// Which file speaks for which workload: the one that did before, else the first by name. A file
// that cannot be used keeps the workload it had, unless another one describes it now.
FolderSource::Holders FolderSource::assign(const FolderListing& listing) {
  Holders holders;
  const auto describes = [&listing](const std::string& name, const std::string& id) {
    const auto file = listing.find(name);
    return file != listing.end() && file->second->spec && (*file->second->spec)->id() == id;
  };
  for (const auto& [id, name] : holders_)
    if (describes(name, id)) holders.emplace(id, name);
  for (const auto& [name, manifest] : listing)
    if (manifest->spec) holders.emplace((*manifest->spec)->id(), name);
  for (const auto& [id, name] : holders_) {
    const auto file = listing.find(name);
    if (file != listing.end() && !file->second->spec) holders.emplace(id, name);
  }
  return holders;
}

void FolderSource::reportUnusable(const std::string& name, const ManifestFile& file,
                                  const Holders& holders) {
  File& state = files_[name];
  state.waits = false;
  state.transient = false;
  setStuck(state, !file.spec && file.spec.error().code() == ErrorCode::kIo);
  if (!file.spec) {
    const std::string message = file.spec.error().describe();
    const auto held = holders.find(state.id);
    const bool holds = held != holders.end() && held->second == name;
    if (holds) environment_.manager.setSourceProblem(state.id, message);
    setProblem(name, holds ? state.id : "", message);
    return;
  }
  const std::string id = (*file.spec)->id();
  state.id.clear();
  state.wants = nullptr;
  setProblem(name, id,
             fmt::format("{}: the workload {} is already described by the file {}", name,
                         inQuotes(id), inQuotes(holders.at(id))));
}

void FolderSource::forgetFiles(const FolderListing& listing) {
  for (auto file = files_.begin(); file != files_.end();) {
    if (listing.contains(file->first)) {
      ++file;
      continue;
    }
    clearProblem(file->first);
    file = files_.erase(file);
  }
}

Task<void> FolderSource::removeWorkload(std::string id, WorkloadManager::ExchangePointer exchange) {
  const auto removed =
      co_await environment_.manager.remove(id, WorkloadOwner::kFolder, std::move(exchange));
  if (holders_.contains(id)) co_return;  // it has a manifest again
  if (!removed && removed.error().code() == ErrorCode::kCancelled) {
    retry_.armAfter(next_pause_);  // what was to have its routes may not want them any more
    co_return;
  }
  leaving_.erase(id);
  // It may never have come to be, or belong to the API because that was first.
  if (removed || removed.error().code() == ErrorCode::kNotFound ||
      removed.error().code() == ErrorCode::kAlreadyExists)
    co_return;
  environment_.log.warn("a workload without manifest could not be removed",
                        {{"workload", id}, {"error", removed.error().describe()}});
}

Task<void> FolderSource::applyFile(std::string name, std::shared_ptr<const ManifestFile> file,
                                   WorkloadManager::ExchangePointer exchange) {
  const std::string id = (*file->spec)->id();
  const bool exchanges = exchange != nullptr;
  const auto status = co_await environment_.manager.apply(
      *file->spec,
      {.owner = WorkloadOwner::kFolder, .source = name, .exchange = std::move(exchange)});
  const auto state = files_.find(name);
  if (state == files_.end() || state->second.applied != file) co_return;  // newer news will come
  state->second.waits = !status && waitsForOthers(id, status.error().code());
  state->second.transient = !status && isTransient(status.error().code());
  const bool could_not = !status && status.error().code() == ErrorCode::kIo;
  // The manager tries each for itself, which does not bring an exchange about.
  if (exchanges)
    setStuck(state->second, state->second.waits || managerTriesAgain(id));
  else
    setStuck(state->second, could_not && !managerTriesAgain(id));
  if (status)
    clearProblem(name);
  else
    settle(name, id, status.error());
}

bool FolderSource::servesOfFolder(const std::string& id) const {
  const auto status = environment_.manager.get(id);
  return status && status->owner == WorkloadOwner::kFolder && status->serving_generation != 0;
}

// One that did not even get an entry found no room among the workloads. Others would fail again
// and again, for each gives up routes when it fails.
bool FolderSource::waitsForOthers(const std::string& id, ErrorCode refusal) const {
  return refusal == ErrorCode::kAlreadyExists ||
         (refusal == ErrorCode::kResourceExhausted && !environment_.manager.get(id));
}

bool FolderSource::managerTriesAgain(const std::string& id) const {
  const auto status = environment_.manager.get(id);
  return status && status->retry_at;
}

void FolderSource::setStuck(File& file, bool stuck) {
  file.stuck = stuck;
  if (stuck) retry_.armAfter(next_pause_);
}

void FolderSource::settle(const std::string& name, const std::string& id, const Error& error) {
  // Being superseded, or turned away by a host that is about to end, is no fault of the file.
  const bool ends = environment_.manager.isDraining();
  if (error.code() == ErrorCode::kCancelled || (ends && error.code() == ErrorCode::kUnavailable))
    return;
  std::string message = fmt::format("{}: {}", name, error.describe());
  const auto status = environment_.manager.get(id);
  // What failed while starting is in the status already; a refusal is not.
  if (status && status->owner == WorkloadOwner::kFolder && status->reason.empty())
    environment_.manager.setSourceProblem(id, message);
  setProblem(name, id, std::move(message));
}

void FolderSource::setProblem(const std::string& name, const std::string& workload,
                              std::string message) {
  File& file = files_[name];
  if (file.problem == message) return;
  file.problem = std::move(message);
  environment_.events.add(EventKind::kProblem, workload, 0, file.problem);
  environment_.log.warn("a manifest cannot be used", {{"file", name}, {"error", file.problem}});
}

void FolderSource::clearProblem(const std::string& name) {
  File& file = files_[name];
  if (file.problem.empty()) return;
  file.problem.clear();
  environment_.events.add(EventKind::kResolved, file.id, 0, name);
}

void FolderSource::setFolderProblem(std::string message) {
  if (folder_problem_ == message) return;
  folder_problem_ = std::move(message);
  if (folder_problem_.empty()) {
    environment_.events.add(EventKind::kResolved, "", 0, folder_);
    return;
  }
  environment_.events.add(EventKind::kProblem, "", 0, folder_problem_);
  environment_.log.warn("the workloads folder cannot be followed", {{"error", folder_problem_}});
}

std::vector<FolderProblem> FolderSource::problems() const {
  std::vector<FolderProblem> all;
  if (!folder_problem_.empty()) all.push_back({"", folder_problem_});
  for (const auto& [name, file] : files_)
    if (!file.problem.empty()) all.push_back({name, file.problem});
  return all;
}

}  // namespace nimbus::host
