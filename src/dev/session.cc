#include "dev/session.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/race.h"
#include "dev/data_patterns.h"
#include "dev/server_difference.h"
#include "host/manifest/capability_catalog.h"

namespace nimbus::dev {
namespace {

using Spec = std::shared_ptr<const host::WorkloadSpec>;
using Workloads = std::shared_ptr<const DevWorkloads>;
using Plan = std::shared_ptr<const DevPlan>;

Task<void> waitFor(Event& event) { co_await event.wait(); }

// Tells of work, and of its end however it comes.
class Working {
 public:
  Working(DevReporter& reporter, DevWork work, const std::vector<std::string>& names)
      : reporter_(reporter) {
    reporter_.begin(work, fmt::format("{}", fmt::join(names, ", ")));
  }
  Working(const Working&) = delete;
  Working& operator=(const Working&) = delete;
  ~Working() { reporter_.end(); }

 private:
  DevReporter& reporter_;
};

std::vector<std::string> namesOf(const DevPlan& plan) {
  std::vector<std::string> names;
  for (const PlannedComponent& component : plan.components) names.push_back(component.spec.name);
  return names;
}

// A component that cannot be linked may lack who serves an import rather than be wrong.
std::string hintFor(const Error& error, const DevWorkloads& workloads) {
  if (error.code() != ErrorCode::kUnsupported) return "";
  const std::string text = error.describe();
  const auto named = std::ranges::find_if(
      workloads.unserved, [&](const std::string& import) { return text.contains(import); });
  if (named == workloads.unserved.end()) return "";
  return fmt::format("; nothing provides {}: {}", *named,
                     host::howToProvide(*named, host::InterfacesBy::kProject));
}

// The server stays what it is until the next start, and its database goes on being written to.
void keepServer(const ServerSettings& server, DevPlan& plan) {
  const std::string next = std::exchange(plan.server, server).keyvalue_path;
  if (next == server.keyvalue_path) return;
  for (PlannedProject& project : plan.projects) {
    const auto patterns = databasePatterns(project.folder, server.keyvalue_path);
    // What the user says comes last.
    project.ignored.insert(project.ignored.begin(), patterns.begin(), patterns.end());
  }
}

}  // namespace

Session::Session(Environment environment, SessionOptions options)
    : environment_(environment), options_(options) {}

Session::~Session() { stop_.request_stop(); }

Task<Result<void>> Session::open() {
  Workbench& workbench = environment_.workbench;
  CO_TRY(Plan plan, co_await worker_.run<Result<Plan>>(environment_.shard,
                                                       [&workbench] { return workbench.plan(); }));
  CO_TRY_VOID(environment_.watcher.follow(plan));
  takePlan(plan);
  tellWarnings({});
  co_return Result<void>();
}

void Session::takePlan(std::shared_ptr<const DevPlan> plan) {
  std::vector<std::unique_ptr<ProjectState>> projects;
  for (const PlannedProject& project : plan->projects) {
    const auto same = std::ranges::find_if(
        projects_, [&](const auto& state) { return state && state->project.buildsAs(project); });
    if (same == projects_.end()) {
      projects.push_back(std::make_unique<ProjectState>());
    } else {
      projects.push_back(std::move(*same));
      projects.back()->ignores_anew |= projects.back()->project.ignored != project.ignored;
    }
    projects.back()->project = project;
  }
  projects_ = std::move(projects);
  plan_ = std::move(plan);
}

void Session::notice(std::vector<std::string> paths, TimePoint first) {
  if (!noticed_at_) noticed_at_ = first;
  for (std::string& path : paths) {
    if (noticed_paths_.size() < 64) noticed_paths_.push_back(std::move(path));
  }
  idle_.clear();
  pause_over_.set();
  noticed_.set();
}

Task<void> Session::idle() { co_await idle_.wait(); }

Task<Error> Session::run() {
  for (;;) {
    noticed_.clear();
    co_await round();
    if (hopeless_) co_return *hopeless_;
    if (!noticed_.isSet()) idle_.set();
    co_await noticed_.wait();
  }
}

Task<void> Session::round() {
  const TimePoint begin = environment_.clock.now();
  const TimePoint first = noticed_at_.value_or(begin);
  noticed_at_.reset();
  noticed_paths_.clear();
  times_ = ReloadTimes{.settle = begin - first};
  built_something_ = false;
  co_await configure();
  const bool built = co_await buildAll();
  times_.total = environment_.clock.now() - first;  // serve() adds its own
  if (built) {
    co_await deploy();
  } else {
    co_await deployUnbuilt();
  }
}

Task<void> Session::configure() {
  Workbench& workbench = environment_.workbench;
  const Plan current = plan_;
  Inputs sources = co_await worker_.run<Inputs>(
      environment_.shard, [&workbench, current] { return workbench.sources(*current); });
  // What was missing may be no file that is known of.
  if (sources == plan_sources_ && !plan_failed_) co_return;
  plan_sources_ = std::move(sources);
  auto plan = co_await worker_.run<Result<Plan>>(environment_.shard,
                                                 [&workbench] { return workbench.plan(); });
  plan_failed_ = !plan;
  if (!plan) co_return tellOnce(DevEvent::Kind::kConfigFailed, plan.error());
  std::vector<std::string> waiting = differingKeys(plan_->server, (*plan)->server);
  auto next = std::make_shared<DevPlan>(**plan);
  keepServer(plan_->server, *next);
  if (*next == *plan_ && waiting == waiting_) co_return;
  if (auto followed = environment_.watcher.follow(next); !followed) {
    co_return tellOnce(DevEvent::Kind::kConfigFailed, followed.error());
  }
  const Plan before = plan_;
  takePlan(std::move(next));
  // Another round, because its files may have changed since it was made.
  notice({}, environment_.clock.now());
  tellConfigured(std::move(waiting));
  tellWarnings(before->warnings);
}

Task<bool> Session::buildAll() {
  bool ready = true;
  for (std::size_t i = 0; i < projects_.size(); ++i) {
    if (!co_await buildOne(*projects_[i])) ready = false;
  }
  co_return ready;
}

Task<bool> Session::buildOne(ProjectState& state) {
  Workbench& workbench = environment_.workbench;
  const auto look = [&workbench, &state] { return workbench.inputs(state.project); };
  const TimePoint begin = environment_.clock.now();
  auto now = co_await worker_.run<Result<Inputs>>(environment_.shard, look);
  times_.scan += environment_.clock.now() - begin;
  if (!now) {
    tellOnce(DevEvent::Kind::kBuildFailed, now.error(), state.project.component);
    co_return false;
  }
  // What is no source any more is not missing.
  if (std::exchange(state.ignores_anew, false) && state.built &&
      std::ranges::includes(*state.built, *now))
    state.built = *now;
  if (state.built && *state.built == *now) co_return !state.failed;
  if (state.built && state.outputs.isSuspicious(*now)) {
    // Somebody who saves meanwhile starts another round.
    const Duration pause = std::max(options_.pause, state.took);
    pause_over_.clear();
    co_await withTimeout(waitFor(pause_over_), environment_.shard.sleepFor(pause));
    now = co_await worker_.run<Result<Inputs>>(environment_.shard, look);
    if (!now) co_return false;
  }
  if (state.built) tellChanged(state, changedPaths(*state.built, *now));
  co_return co_await buildNow(state, *std::move(now));
}

Task<bool> Session::buildNow(ProjectState& state, Inputs before) {
  Workbench& workbench = environment_.workbench;
  tellBuilding(state);
  const TimePoint begin = environment_.clock.now();
  std::optional<Working> working(std::in_place, environment_.reporter, DevWork::kBuild,
                                 std::vector{state.project.component});
  const auto built = co_await worker_.run<Result<Built>>(
      environment_.shard, [&workbench, &state, stop = stop_.get_token()] {
        return workbench.build(state.project, stop);
      });
  working.reset();
  state.took = environment_.clock.now() - begin;
  times_.build += state.took;
  auto after = co_await worker_.run<Result<Inputs>>(
      environment_.shard, [&workbench, &state] { return workbench.inputs(state.project); });
  times_.scan += environment_.clock.now() - begin - state.took;
  if (after) {
    tellOutputs(state, state.outputs.buildEnded(before, *after));
    state.built = state.outputs.builtInputs(before, *after);
    // What changed meanwhile is looked at in a round of its own.
    if (*state.built != *after) notice({}, environment_.clock.now());
  } else {
    state.built = std::move(before);
  }
  takeOutcome(state, built);
  co_return built.has_value();
}

void Session::takeOutcome(ProjectState& state, const Result<Built>& built) {
  state.failed = !built;
  if (!built) {
    // Neither a language nor a tool; or what it makes is no component.
    const ErrorCode code = built.error().code();
    if (!deployed_ && (code == ErrorCode::kNotFound || code == ErrorCode::kUnsupported)) {
      hopeless_ = built.error();
      return;
    }
    last_problem_ = built.error().describe();
    return tell({.kind = DevEvent::Kind::kBuildFailed,
                 .component = state.project.component,
                 .message = last_problem_,
                 .code = code,
                 .times = {.build = state.took}});
  }
  state.component_path = built->component_path;
  built_something_ = true;
  // What keeps it from loading is told of each that is built.
  last_problem_.clear();
  tell({.kind = DevEvent::Kind::kBuilt,
        .component = state.project.component,
        .message = built->component_path,
        .times = {.build = state.took}});
}

std::vector<std::string> Session::builtPaths() const {
  std::vector<std::string> paths;
  for (const auto& state : projects_) paths.push_back(state->component_path);
  return paths;
}

// Once for a plan: what a tag stands for does not change with every edit of a source.
Task<Result<std::vector<std::string>>> Session::pullImages() {
  if (images_of_ == plan_) co_return images_;
  const Plan plan = plan_;
  auto wanted = std::make_shared<host::WorkloadSpec>();
  wanted->name = plan->name;
  for (const PlannedComponent& component : plan->components)
    wanted->components.push_back(component.spec);
  CO_TRY(const Spec fetched, co_await environment_.deployer.fetch(std::move(wanted)));
  std::vector<std::string> files;
  for (const host::ComponentSpec& component : fetched->components)
    files.push_back(component.image.empty() ? std::string() : component.file);
  images_ = files;
  images_of_ = plan;
  co_return files;
}

Task<Result<Workloads>> Session::makeWorkloads(std::vector<std::string> images) {
  Workbench& workbench = environment_.workbench;
  return worker_.run<Result<Workloads>>(
      environment_.shard,
      [&workbench, plan = plan_, built = builtPaths(), images = std::move(images)] {
        return workbench.workloads(*plan, built, images);
      });
}

Task<void> Session::deploy() {
  auto images = co_await pullImages();
  if (!images) co_return co_await tellLoadFailed(images.error());
  const Working working(environment_.reporter, DevWork::kCompile, namesOf(*plan_));
  const TimePoint begin = environment_.clock.now();
  auto workloads = co_await makeWorkloads(*std::move(images));
  times_.read = environment_.clock.now() - begin;
  if (!workloads) co_return co_await tellLoadFailed(workloads.error());
  if (deployed_ && *deployed_ == **workloads) {
    const bool recovered = load_failed_;
    takeSame(*std::move(workloads));
    last_problem_.clear();
    if (built_something_ || recovered) tellDeployed(DevEvent::Kind::kUnchanged);
    co_return;
  }
  if (refused_ && *refused_ == **workloads) co_return;
  if (co_await serve(*std::move(workloads), begin)) last_problem_.clear();
}

bool Session::hasServedComponents(const host::WorkloadSpec& workload) const {
  const auto digestIn = [](const host::WorkloadSpec& spec, const std::string& name) {
    if (spec.service && spec.service->component.name == name) return spec.service->component.digest;
    const auto found = std::ranges::find(spec.components, name, &host::ComponentSpec::name);
    return found == spec.components.end() ? std::string() : found->digest;
  };
  return std::ranges::all_of(projects_, [&](const auto& state) {
    const std::string& name = state->project.component;
    const std::string digest = digestIn(workload, name);
    return !digest.empty() && digest == digestIn(deployed_->app, name);
  });
}

// What else keeps it from that shows when the project builds again.
Task<void> Session::deployUnbuilt() {
  if (!deployed_ || plan_sources_ == settled_sources_) co_return;
  const bool all_made = std::ranges::all_of(
      projects_, [](const auto& state) { return !state->component_path.empty(); });
  auto images = all_made ? co_await pullImages() : std::vector<std::string>();
  if (!all_made || !images) co_return tellKept();
  const Working working(environment_.reporter, DevWork::kCompile, namesOf(*plan_));
  const TimePoint begin = environment_.clock.now();
  auto workloads = co_await makeWorkloads(*std::move(images));
  if (!workloads || !hasServedComponents((*workloads)->app)) co_return tellKept();
  if (*deployed_ == **workloads) co_return takeSame(*std::move(workloads));
  if (refused_ && *refused_ == **workloads) co_return;
  co_await serve(*std::move(workloads), begin);
}

// What they hold may be new all the same.
void Session::takeSame(Workloads workloads) {
  deployed_ = std::move(workloads);
  takeDeployed();
}

void Session::takeDeployed() {
  settled_sources_ = plan_sources_;
  refused_.reset();
  load_failed_ = false;
}

Task<bool> Session::serve(Workloads workloads, TimePoint begin) {
  const auto times = co_await environment_.deployer.deploy(workloads);
  if (!times) {
    const std::string hint = hintFor(times.error(), *workloads);
    // What is not to be had, such as a port, may be with the next save.
    const bool may_be_had = times.error().code() == ErrorCode::kUnavailable;
    co_await tellLoadFailed(Error(times.error().code(), times.error().describe() + hint));
    if (!may_be_had) refused_ = std::move(workloads);
    co_return false;
  }
  times_.load = times->load;
  times_.swap = times->swap;
  times_.total += environment_.clock.now() - begin;
  generation_ += 1;
  takeDeployed();
  const auto kind = deployed_ ? DevEvent::Kind::kReloaded : DevEvent::Kind::kServing;
  const Workloads before = std::exchange(deployed_, std::move(workloads));
  tellDeployed(kind);
  tellPorts(before ? &before->app : nullptr);
  co_return true;
}

void Session::tellConfigured(std::vector<std::string> waiting) {
  tell({.kind = DevEvent::Kind::kConfigured, .message = "the configuration was read anew"});
  if (waiting == waiting_) return;
  waiting_ = std::move(waiting);
  if (waiting_.empty()) return;
  tell({.kind = DevEvent::Kind::kWarning,
        .message = fmt::format("{}: another value counts from the next start of wash dev; to use "
                               "it now, end this one (Ctrl-C) and start it again",
                               fmt::join(waiting_, ", "))});
}

void Session::tellWarnings(const std::vector<std::string>& known) {
  for (const std::string& warning : plan_->warnings)
    if (std::ranges::find(known, warning) == known.end())
      tell({.kind = DevEvent::Kind::kWarning, .message = warning});
}

void Session::tellChanged(const ProjectState& state, std::vector<std::string> paths) {
  tell({.kind = DevEvent::Kind::kChanged,
        .component = state.project.component,
        .paths = std::move(paths)});
}

void Session::tellBuilding(const ProjectState& state) {
  tell({.kind = DevEvent::Kind::kBuilding, .component = state.project.component});
}

void Session::tellOutputs(const ProjectState& state, const std::vector<std::string>& paths) {
  for (const std::string& path : paths)
    tell({.kind = DevEvent::Kind::kWarning,
          .component = state.project.component,
          .message = path + " is written by the build: its changes during builds start no others. "
                            "A line in .gitignore says so from the start"});
}

void Session::tellDeployed(DevEvent::Kind kind) {
  DevEvent event{.kind = kind, .generation = generation_, .times = times_};
  event.takes_requests = !deployed_->app.routes.empty();
  if (kind == DevEvent::Kind::kUnchanged && !built_something_)
    event.message = "what is there now is what is serving already";
  if (!event.takes_requests && deployed_->app.service)
    event.component = deployed_->app.service->component.name;
  tell(event);
}

void Session::tellPorts(const host::WorkloadSpec* before) {
  if (!deployed_->app.service) return;
  const host::ServiceSpec& service = *deployed_->app.service;
  if (before != nullptr && before->service && before->service->ports == service.ports) return;
  for (const host::ServicePort& port : service.ports)
    tell({.kind = DevEvent::Kind::kPublished,
          .component = service.component.name,
          .message = fmt::format("{} leads to {} (port {} of the service {})", port.published_at,
                                 port.name, port.port, service.component.name),
          .generation = generation_});
}

void Session::tellKept() {
  settled_sources_ = plan_sources_;
  tell({.kind = DevEvent::Kind::kWarning,
        .message =
            "what serves keeps its configuration, and what its plugins were allowed, until the "
            "project builds"});
}

Task<void> Session::tellLoadFailed(Error error) {
  Workbench& workbench = environment_.workbench;
  const Plan plan = plan_;
  Inputs files = co_await worker_.run<Inputs>(
      environment_.shard, [&workbench, plan] { return workbench.files(*plan); });
  if (files != failed_files_) last_problem_.clear();
  failed_files_ = std::move(files);
  load_failed_ = true;
  refused_.reset();
  tellOnce(DevEvent::Kind::kLoadFailed, error);
}

void Session::tellOnce(DevEvent::Kind kind, const Error& error, std::string component) {
  std::string message = error.describe();
  if (message == last_problem_) return;
  last_problem_ = message;
  tell({.kind = kind,
        .component = std::move(component),
        .message = std::move(message),
        .code = error.code()});
}

}  // namespace nimbus::dev
