#include "net/tree_watch.h"

#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <map>
#include <set>

#include "base/check.h"
#include "net/fd_watch.h"

namespace nimbus::net {
namespace {

namespace fs = std::filesystem;

constexpr auto kLookAgain = std::chrono::milliseconds(100);
constexpr std::ptrdiff_t kMaxDepth = 64;

// Writing is told when the file is closed, so that a file is not read half written.
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO |
                                  IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
                                  IN_ONLYDIR | IN_EXCL_UNLINK;

std::string join(const std::string& folder, std::string_view name) {
  return folder.empty() ? std::string(name) : folder + "/" + std::string(name);
}

// Most files that were just made are being written, and will be closed soon, which is told. Some
// get their name when they are complete, and nothing more is told of them.
constexpr auto kUntilClosed = std::chrono::milliseconds(100);

bool mayBeUnfinished(const std::string& path) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) return true;  // gone again, which is told as well
  return S_ISREG(status.st_mode) && status.st_nlink == 1;
}

class InotifyTree final : public TreeWatch, private FdWatch::Waiter {
 public:
  InotifyTree(Shard& shard, FdWatch watch, TreeWatchOptions options,
              std::function<void(TreeChange)> changed)
      : shard_(shard),
        watch_(std::move(watch)),
        options_(std::move(options)),
        changed_(std::move(changed)),
        quiet_(shard, [this] { tell(); }),
        look_(shard, [this] { lookForRoot(); }) {}

  Result<void> start() {
    TRY_VOID(follow(""));
    if (folders_.empty()) {
      return fail(ErrorCode::kNotFound, "there is no folder " + options_.root);
    }
    watch_.wait(FdWatch::Direction::kRead, *this);
    return {};
  }

 private:
  [[nodiscard]] std::string fullPath(const std::string& path) const {
    return path.empty() ? options_.root : options_.root + "/" + path;
  }
  [[nodiscard]] bool ignored(const std::string& path, bool is_folder) const {
    return options_.ignored && options_.ignored(path, is_folder);
  }

  // Watches a folder and those below it. One that vanishes meanwhile, or may not be read, is left
  // out.
  Result<void> follow(const std::string& top) {
    std::vector<std::string> open{top};
    while (!open.empty()) {
      const std::string path = std::move(open.back());
      open.pop_back();
      TRY(const bool added, add(path));
      if (!added || std::ranges::count(path, '/') >= kMaxDepth) continue;
      std::error_code error;
      for (fs::directory_iterator entry(fullPath(path), error), end; !error && entry != end;
           entry.increment(error)) {
        std::error_code unknown;
        if (entry->is_symlink(unknown) || !entry->is_directory(unknown)) continue;
        std::string below = join(path, entry->path().filename().string());
        if (!ignored(below, true)) open.push_back(std::move(below));
      }
    }
    return {};
  }

  Result<bool> add(const std::string& path) {
    if (folders_.size() >= options_.max_folders) {
      return fail(ErrorCode::kResourceExhausted,
                  "more than " + std::to_string(options_.max_folders) + " folders below " +
                      options_.root + "; name those without sources in .gitignore");
    }
    const std::uint32_t links = path.empty() ? 0 : IN_DONT_FOLLOW;
    const int descriptor =
        ::inotify_add_watch(watch_.fd(), fullPath(path).c_str(), kEvents | links);
    if (descriptor < 0) {
      if (errno == ENOSPC) {
        return fail(ErrorCode::kResourceExhausted,
                    "cannot watch " + fullPath(path) +
                        ": the system's limit is reached (sysctl fs.inotify.max_user_watches)");
      }
      if (errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ELOOP) return false;
      return failErrno("cannot watch " + fullPath(path), errno);
    }
    // A folder that was moved keeps its descriptor.
    if (const auto known = paths_.find(descriptor); known != paths_.end()) {
      folders_.erase(known->second);
    }
    paths_[descriptor] = path;
    folders_[path] = descriptor;
    return true;
  }

  void forget(const std::string& top) {
    const auto drop = [this](std::map<std::string, int>::iterator entry) {
      ::inotify_rm_watch(watch_.fd(), entry->second);
      paths_.erase(entry->second);
      return folders_.erase(entry);
    };
    if (const auto self = folders_.find(top); self != folders_.end()) drop(self);
    const std::string below = top + "/";
    for (auto entry = folders_.lower_bound(below);
         entry != folders_.end() && entry->first.starts_with(below);) {
      entry = drop(entry);
    }
  }

  void forgetAll() {
    for (const auto& [path, descriptor] : folders_) ::inotify_rm_watch(watch_.fd(), descriptor);
    folders_.clear();
    paths_.clear();
  }

  void ready() override {
    alignas(inotify_event) char buffer[16 * 1024];
    for (;;) {
      const ssize_t size = ::read(watch_.fd(), buffer, sizeof buffer);
      if (size <= 0) break;
      for (ssize_t at = 0; at < size;) {
        const auto& event = *reinterpret_cast<const inotify_event*>(buffer + at);
        take(event);
        at += static_cast<ssize_t>(sizeof(inotify_event) + event.len);
      }
    }
    watch_.wait(FdWatch::Direction::kRead, *this);
  }

  void take(const inotify_event& event) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) return startAgain();
    const auto known = paths_.find(event.wd);
    if (known == paths_.end()) return;  // of a folder that is not followed any more
    const std::string folder = known->second;
    if ((event.mask & IN_IGNORED) != 0) {
      paths_.erase(event.wd);
      folders_.erase(folder);
    }
    if ((event.mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
      // The parent tells of others.
      if (folder.empty()) loseRoot();
      return;
    }
    if (event.len == 0) return;
    const std::string path = join(folder, event.name);
    const bool is_folder = (event.mask & IN_ISDIR) != 0;
    if (ignored(path, is_folder)) return;
    if (is_folder) {
      takeFolder(event.mask, path);
    } else {
      const bool open = (event.mask & IN_CREATE) != 0 && mayBeUnfinished(fullPath(path));
      note(path, open ? std::max<Duration>(kUntilClosed, options_.settle) : options_.settle);
    }
  }

  void takeFolder(std::uint32_t mask, const std::string& path) {
    if ((mask & (IN_MOVED_FROM | IN_DELETE)) != 0) {
      forget(path);
    } else if ((mask & (IN_CREATE | IN_MOVED_TO)) != 0) {
      followLate(path);
    } else {
      return;
    }
    note(path);
  }

  void followLate(const std::string& path) {
    if (auto followed = follow(path); !followed) problem_ = std::move(followed).error();
  }

  void startAgain() {
    forgetAll();
    followLate("");
    incomplete_ = true;
    note("");
  }

  void loseRoot() {
    forgetAll();
    incomplete_ = true;
    note("");
    look_.armAfter(kLookAgain);
  }

  void lookForRoot() {
    followLate("");
    if (folders_.empty()) return look_.armAfter(kLookAgain);
    incomplete_ = true;
    note("");
  }

  void note(const std::string& path) { note(path, options_.settle); }

  void note(const std::string& path, Duration settle) {
    const TimePoint now = shard_.now();
    if (!pending_) first_ = now;
    pending_ = true;
    if (noted_.size() < options_.max_paths) {
      if (!path.empty()) noted_.insert(path);
    } else if (!noted_.contains(path)) {
      incomplete_ = true;
    }
    quiet_.armAt(std::min(now + settle, first_ + options_.at_most));
  }

  void tell() {
    TreeChange change{.paths = {noted_.begin(), noted_.end()},
                      .incomplete = incomplete_,
                      .first = first_,
                      .problem = std::move(problem_)};
    noted_.clear();
    pending_ = incomplete_ = false;
    problem_.reset();
    const auto changed = changed_;  // it may destroy this object
    changed(std::move(change));
  }

  Shard& shard_;
  FdWatch watch_;
  const TreeWatchOptions options_;
  const std::function<void(TreeChange)> changed_;
  std::map<int, std::string> paths_;  // by descriptor
  std::map<std::string, int> folders_;
  std::set<std::string> noted_;
  bool pending_ = false;
  bool incomplete_ = false;
  TimePoint first_;
  std::optional<Error> problem_;
  Timer quiet_;  // calls back
  Timer look_;   // for a root that is gone
};

}  // namespace

Result<std::unique_ptr<TreeWatch>> watchTree(Shard& shard, TreeWatchOptions options,
                                             std::function<void(TreeChange)> changed) {
  NIMBUS_CHECK(shard.onThread());
  UniqueFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd.valid()) return failErrno("cannot watch folders", errno);
  TRY(FdWatch watch, FdWatch::open(shard, std::move(fd)));
  auto tree = std::make_unique<InotifyTree>(shard, std::move(watch), std::move(options),
                                            std::move(changed));
  TRY_VOID(tree->start());
  return tree;
}

}  // namespace nimbus::net
