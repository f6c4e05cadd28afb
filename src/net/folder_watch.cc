#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/check.h"
#include "net/fd_watch.h"
#include "net/watch.h"

namespace nimbus::net {
namespace {

// inotify follows a folder, not its name. So the name is looked up again from time to time: it may
// be a symbolic link that was turned elsewhere, or the folder was removed and made anew.
constexpr auto kLookAgain = std::chrono::seconds(1);
constexpr auto kLookAgainWhileMissing = std::chrono::milliseconds(100);

// Between call-backs while the folder cannot be watched.
constexpr auto kTellWhileBlind = std::chrono::seconds(5);

// A folder in which something is written all the time is never quiet: a change waits for so many
// times the quiet time at most.
constexpr int kMostQuietTimes = 10;

// Creation counts because links appear without being written; IN_ATTRIB because a file may become
// readable only after it was moved into place.
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_CREATE | IN_MOVED_FROM | IN_MOVED_TO |
                                  IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
                                  IN_ONLYDIR;

struct FolderId {
  dev_t device = 0;
  ino_t inode = 0;  // 0: no such folder
  friend bool operator==(const FolderId&, const FolderId&) = default;
};

FolderId idOf(const std::string& folder) {
  struct stat status{};
  if (::stat(folder.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return {};
  return {.device = status.st_dev, .inode = status.st_ino};
}

// What to do about limits that an errno value does not name.
std::string_view limitOf(int error) {
  if (error == ENOSPC) return " (the user's limit of watches, sysctl fs.inotify.max_user_watches)";
  if (error == EMFILE)
    return " (the user's limit of inotify instances, sysctl fs.inotify.max_user_instances, or the "
           "process's of open files)";
  return "";
}

std::unexpected<Error> failToWatch(const std::string& what, int error) {
  auto failure = failErrno("cannot watch " + what, error);
  return fail(failure.error().code(), failure.error().message() + std::string(limitOf(error)));
}

class InotifyWatch final : public FolderWatch, private FdWatch::Waiter {
 public:
  InotifyWatch(Shard& shard, FdWatch watch, std::string folder, Duration debounce,
               std::function<void()> changed)
      : shard_(shard),
        watch_(std::move(watch)),
        folder_(std::move(folder)),
        debounce_(debounce),
        changed_(std::move(changed)),
        quiet_(shard, [this] { tell(); }),
        look_(shard, [this] { lookAgain(); }) {}

  Result<void> start() {
    if (const int error = follow(); error != 0) return failToWatch(folderText(), error);
    watch_.wait(FdWatch::Direction::kRead, *this);
    look_.armAfter(kLookAgain);
    return {};
  }

  [[nodiscard]] std::string problem() const override { return problem_; }

 private:
  [[nodiscard]] std::string folderText() const { return "the folder " + folder_; }

  // Watches what the name stands for now. 0, or the errno value.
  int follow() {
    unfollow();
    // The id is read on both sides of adding the watch: equal means that it is the watched one.
    const FolderId before = idOf(folder_);
    descriptor_ = ::inotify_add_watch(watch_.fd(), folder_.c_str(), kEvents);
    if (descriptor_ < 0) return errno;
    watched_ = before == idOf(folder_) ? before : FolderId{};
    return 0;
  }

  void unfollow() {
    if (descriptor_ >= 0) ::inotify_rm_watch(watch_.fd(), descriptor_);
    descriptor_ = -1;
    watched_ = {};
  }

  void ready() override {
    alignas(inotify_event) char buffer[16 * 1024];
    bool relevant = false;
    for (;;) {
      const ssize_t size = ::read(watch_.fd(), buffer, sizeof buffer);
      if (size <= 0) break;
      for (ssize_t at = 0; at < size;) {
        const auto& event = *reinterpret_cast<const inotify_event*>(buffer + at);
        relevant |= isRelevant(event);
        at += static_cast<ssize_t>(sizeof(inotify_event) + event.len);
      }
    }
    if (relevant) note();
    watch_.wait(FdWatch::Direction::kRead, *this);
  }

  bool isRelevant(const inotify_event& event) {
    if ((event.mask & IN_Q_OVERFLOW) != 0) {
      // Events were lost: anything may have changed, and that the watch has gone may be among them.
      unfollow();
      look_.armAfter(Duration::zero());
      return true;
    }
    if (event.wd != descriptor_) return false;  // of a folder followed earlier
    if ((event.mask & IN_IGNORED) != 0) descriptor_ = -1;
    if ((event.mask & (IN_IGNORED | IN_DELETE_SELF | IN_MOVE_SELF)) != 0) {
      look_.armAfter(Duration::zero());
    }
    return true;
  }

  void lookAgain() {
    const FolderId now = idOf(folder_);
    if (now != watched_ || descriptor_ < 0) followAnew();
    const bool missing = descriptor_ < 0 && problem_.empty();
    look_.armAfter(missing ? Duration(kLookAgainWhileMissing) : Duration(kLookAgain));
  }

  void followAnew() {
    const bool was_there = watched_ != FolderId{};
    const int error = follow();
    const bool blind = error != 0 && error != ENOENT && error != ENOTDIR;
    std::string problem = blind ? failToWatch(folderText(), error).error().message() : "";
    const bool due = blind && shard_.now() >= told_ + kTellWhileBlind;
    if (was_there || error == 0 || due || problem != problem_) note();
    problem_ = std::move(problem);
  }

  void note() {
    const TimePoint now = shard_.now();
    if (!pending_) first_ = now;
    pending_ = true;
    quiet_.armAt(std::min(now + debounce_, first_ + kMostQuietTimes * debounce_));
  }

  void tell() {
    pending_ = false;
    told_ = shard_.now();
    const auto changed = changed_;  // it may destroy this object
    changed();
  }

  Shard& shard_;
  FdWatch watch_;
  const std::string folder_;
  const Duration debounce_;
  const std::function<void()> changed_;
  bool pending_ = false;
  TimePoint first_;  // change that is pending
  TimePoint told_;   // last call-back
  int descriptor_ = -1;
  FolderId watched_;
  std::string problem_;
  Timer quiet_;  // tells of what is pending
  Timer look_;
};

}  // namespace

Result<std::unique_ptr<FolderWatch>> watchFolder(Shard& shard, std::string folder,
                                                 Duration debounce, std::function<void()> changed) {
  NIMBUS_CHECK(shard.onThread());
  UniqueFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd.valid()) return failToWatch("folders", errno);
  TRY(FdWatch watch, FdWatch::open(shard, std::move(fd)));
  auto folder_watch = std::make_unique<InotifyWatch>(shard, std::move(watch), std::move(folder),
                                                     debounce, std::move(changed));
  TRY_VOID(folder_watch->start());
  return folder_watch;
}

}  // namespace nimbus::net
