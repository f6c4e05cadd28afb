#include "witdeps/fetch.h"

#include <deque>
#include <set>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/files.h"
#include "witdeps/lock_file.h"
#include "witdeps/package_finder.h"
#include "witdeps/package_items.h"

namespace nimbus::witdeps {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxLockBytes = std::size_t{1} << 20;
constexpr std::size_t kMaxPackages = 500;
constexpr unsigned kLockMode = 0644;
// Where wash kept the lock file before wkg had one.
constexpr std::string_view kOldLockFile = ".wash/wasmcloud.lock";

Result<LockFile> readLock(const fs::path& project) {
  for (const std::string_view name : {kLockFileName, kOldLockFile}) {
    const fs::path path = project / name;
    std::error_code error;
    if (!fs::exists(path, error)) continue;
    TRY(const std::string text, readFile(path.string(), kMaxLockBytes));
    return LockFile::parse(text, path.string());
  }
  return LockFile();
}

LockFile withoutForgotten(const LockFile& lock, const FetchRequest& request) {
  LockFile kept;
  if (request.forget_all) return kept;
  const auto forgotten = [&](const wit::PackageRef& package) {
    return request.forget && package.isNamedBy(*request.forget);
  };
  for (const LockedPackage& locked : lock.packages())
    if (!forgotten(locked.package)) kept.put(locked);
  for (const LockedSource& locked : lock.sources())
    if (!forgotten(locked.package)) kept.put(locked);
  return kept;
}

// A package that somebody needs.
struct Need {
  wit::PackageRef package;
  std::string needed_by;
  const WitTree* beside = nullptr;  // where the one who needs it was found
};

// One that a package that needs it has beside it.
struct Copy {
  wit::PackageRef package;
  const TextPackage* text;
  std::string beside;  // the one who needs it
};

const TextPackage* findIn(const std::vector<TextPackage>& packages,
                          const wit::PackageRef& package) {
  for (const TextPackage& text : packages)
    if (text.about.package == package) return &text;
  return nullptr;
}

// One walk over everything that is needed, which collects it.
class Walk {
 public:
  // `fetched`: what was fetched before is good enough where the lock file knows of it; where only
  // what is named is reached, also what is not named.
  Walk(const WitFolder& folder, PackageFinder& finder, bool fetched, Reach reach)
      : folder_(folder), finder_(finder), use_fetched_(fetched), reach_(reach) {}

  // False: something would have to be fetched, which was not allowed.
  [[nodiscard]] Result<bool> perform() {
    TRY(const wit::PackageNeeds main, wit::packageNeeds(folder_.main()));
    for (const wit::WitFile& file : folder_.main()) texts_.push_back(file);
    follow(main, nullptr);
    while (!ahead_.empty()) {
      const Need need = std::move(ahead_.front());
      ahead_.pop_front();
      if (seen_.size() > kMaxPackages)
        return fail(ErrorCode::kResourceExhausted,
                    fmt::format("more than {} packages are needed", kMaxPackages));
      auto taken = take(need);
      if (!taken)
        return fail(
            taken.error().code(),
            fmt::format("cannot get {}, which {} needs", need.package.text(), need.needed_by),
            taken.error());
      if (!*taken) return false;
    }
    return true;
  }

  // All that the project needs beside its own, each package as one text.
  [[nodiscard]] Result<std::vector<wit::PackageText>> gather() const {
    TRY(std::vector<wit::PackageText> all, wit::gatherPackages(texts_, encoded_));
    std::erase_if(all, [&](const wit::PackageText& text) {
      return findIn(folder_.own(), text.package) != nullptr;
    });
    return all;
  }

  // Copies beside packages that say something else than what was taken.
  [[nodiscard]] std::vector<std::string> notes() const {
    std::vector<std::string> notes;
    for (const auto& [package, copy, beside] : copies_) {
      const auto taken = taken_.find(package);
      if (taken == taken_.end() || taken->second == copy) continue;
      const auto differing = differingItems(itemsOf(*taken->second), itemsOf(*copy));
      if (differing.empty()) continue;
      notes.push_back(fmt::format(
          "{} of {} is not the same in {}, which is used, and in {} beside {}", differing.front(),
          package.text(), taken->second->files.front().path, copy->files.front().path, beside));
    }
    return notes;
  }

  [[nodiscard]] const LockFile& lock() const { return lock_; }
  [[nodiscard]] std::string fromOf(const wit::PackageRef& package) const {
    const auto found = from_.find(package);
    return found == from_.end() ? std::string() : found->second;
  }

 private:
  void follow(const wit::PackageNeeds& about, const WitTree* beside) {
    for (const wit::PackageRef& need : about.needs) {
      if (const TextPackage* copy = beside == nullptr ? nullptr : beside->find(need))
        copies_.push_back({need, copy, about.package.text()});
      if (!seen_.insert(need).second) continue;
      ahead_.push_back({need, about.package.text(), beside});
    }
  }

  Result<bool> take(const Need& need) {
    if (const TextPackage* own = findIn(folder_.own(), need.package)) {
      if (auto conflict = conflictIn(folder_.own(), need.package))
        return std::unexpected(*std::move(conflict));
      takeText(*own, nullptr);
      return true;
    }
    TRY(const bool local, finder_.isLocal(need.package));
    if (!use_fetched_ || local) return takeFound(need);
    TRY(const bool fetched, takeFetched(need.package));
    return fetched || takeBeside(need);
  }

  // What a package needs is often kept beside it.
  bool takeBeside(const Need& need) {
    const TextPackage* text = need.beside == nullptr ? nullptr : need.beside->find(need.package);
    if (text != nullptr) takeText(*text, need.beside);
    return text != nullptr;
  }

  void takeText(const TextPackage& text, const WitTree* beside) {
    taken_.emplace(text.about.package, &text);
    const std::string folder = folderNameOf(text.about.package);
    for (const wit::WitFile& file : text.files) {
      const std::string name = fs::path(file.path).filename().string();
      texts_.push_back({fmt::format("deps/{}/{}", folder, name), file.text});
    }
    follow(text.about, beside);
  }

  // What came with another package is not in the lock file; the other one is.
  Result<bool> takeFetched(const wit::PackageRef& package) {
    const TextPackage* text = findIn(folder_.fetched(), package);
    if (text == nullptr) return false;
    TRY(const Lock locked, finder_.lockOf(package));
    TRY(const bool named, finder_.isNamed(package));
    const bool good = put(locked) || (reach_ == Reach::kNamed && !named);
    if (!good && !within_.contains(package)) return false;
    takeText(*text, nullptr);
    within_.insert(text->about.needs.begin(), text->about.needs.end());
    return true;
  }

  // False: there is nothing to put.
  bool put(const Lock& locked) {
    if (const auto* package = std::get_if<LockedPackage>(&locked)) lock_.put(*package);
    if (const auto* source = std::get_if<LockedSource>(&locked)) lock_.put(*source);
    return !std::holds_alternative<std::monostate>(locked);
  }

  Result<bool> takeFound(const Need& need) {
    auto found = finder_.find(need.package);
    if (!found && takeBeside(need)) return true;
    if (!found) return std::unexpected(std::move(found).error());
    put(found->locked);
    from_[need.package] = found->from;
    if (found->tree != nullptr) {
      // The text itself stays where it was found.
      takeText(*found->tree->find(need.package), found->tree);
    } else {
      encoded_.push_back(std::move(std::get<wit::EncodedPackage>(found->content)));
    }
    return true;
  }

  const WitFolder& folder_;
  PackageFinder& finder_;
  const bool use_fetched_;
  const Reach reach_;
  std::set<wit::PackageRef> seen_;
  std::set<wit::PackageRef> within_;
  std::deque<Need> ahead_;
  std::vector<wit::WitFile> texts_;
  std::vector<wit::EncodedPackage> encoded_;
  std::map<wit::PackageRef, std::string> from_;
  std::map<wit::PackageRef, const TextPackage*> taken_;
  std::vector<Copy> copies_;
  LockFile lock_;
};

Result<FetchOutcome> write(const FetchRequest& request, WitFolder& folder, const LockFile& before,
                           const Walk& walk, std::vector<wit::PackageText> packages) {
  FetchOutcome outcome;
  outcome.lock_file = request.project / kLockFileName;
  for (const wit::PackageText& text : packages)
    outcome.packages.push_back({text.package, walk.fromOf(text.package)});
  outcome.notes = walk.notes();
  TRY(outcome.changed, folder.replaceFetched(packages));
  std::error_code error;
  const bool there = fs::exists(outcome.lock_file, error);
  if (walk.lock() == before && (there || before.empty())) return outcome;
  TRY_VOID(replaceFile(outcome.lock_file.string(), asBytes(walk.lock().text()), kLockMode));
  outcome.lock_changed = true;
  return outcome;
}

}  // namespace

Result<FetchOutcome> fetchDependencies(const FetchRequest& request, WitFolder& folder,
                                       Transport& transport) {
  TRY_VOID(checkSources(request.settings.sources));
  if (folder.main().empty()) return FetchOutcome{};
  TRY(const LockFile before, readLock(request.project));
  const LockFile locked = withoutForgotten(before, request);
  PackageFinder finder({.project = request.project,
                        .sources = request.settings.sources,
                        .registries = request.registries,
                        .locked = locked,
                        .only_named = request.reach == Reach::kNamed,
                        .offline = request.offline,
                        .insecure = request.insecure},
                       transport);
  if (request.refresh == Refresh::kMissing) {
    Walk walk(folder, finder, true, request.reach);
    TRY(const bool complete, walk.perform());
    if (complete) {
      // It may lack something still: binaries hold only what they need of others.
      auto packages = walk.gather();
      if (packages) return write(request, folder, before, walk, *std::move(packages));
    }
  }
  Walk walk(folder, finder, false, request.reach);
  TRY_VOID(walk.perform());
  TRY(std::vector<wit::PackageText> packages, walk.gather());
  return write(request, folder, before, walk, std::move(packages));
}

}  // namespace nimbus::witdeps
