#include "dev/input_scan.h"

#include <sys/stat.h>

#include <filesystem>
#include <optional>

#include "base/bytes.h"

namespace nimbus::dev {
namespace {

namespace fs = std::filesystem;

// File systems count time in steps; two changes within one step have the same stamp.
constexpr std::chrono::nanoseconds kStampStep = std::chrono::seconds(2);
constexpr int kMaxDepth = 64;

engine::Sha256 digestOf(std::string_view text) {
  return engine::sha256(ByteView(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
}

engine::Sha256 digestOf(const FileStamp& stamp) {
  return digestOf("stamp " + std::to_string(stamp.device) + " " + std::to_string(stamp.inode) +
                  " " + std::to_string(stamp.bytes) + " " + std::to_string(stamp.modified_ns));
}

}  // namespace

std::vector<std::string> changedPaths(const Inputs& before, const Inputs& after) {
  std::vector<std::string> changed;
  auto old = before.begin();
  for (const auto& [path, digest] : after) {
    for (; old != before.end() && old->first < path; ++old) changed.push_back(old->first);
    const bool known = old != before.end() && old->first == path;
    if (!known || old->second != digest) changed.push_back(path);
    if (known) ++old;
  }
  for (; old != before.end(); ++old) changed.push_back(old->first);
  return changed;
}

InputScan::InputScan(std::string root, const Clock& clock, InputScanLimits limits)
    : root_(std::move(root)), clock_(clock), limits_(limits) {}

class InputScan::Walk {
 public:
  Walk(const InputScan& scan, const IgnoreRules& rules) : scan_(scan), rules_(rules) {}

  Result<void> folder(const std::string& path, int depth) {
    std::error_code error;
    fs::directory_iterator entry(path.empty() ? scan_.root_ : full(path), error);
    if (error && path.empty()) return failErrno("cannot read " + scan_.root_, error.value());
    for (; !error && entry != fs::directory_iterator(); entry.increment(error)) {
      const std::string name = entry->path().filename().string();
      TRY_VOID(take(path.empty() ? name : path + "/" + name, *entry, depth));
    }
    return {};
  }

  Inputs inputs;
  KnownFiles known;

 private:
  [[nodiscard]] std::string full(const std::string& path) const { return scan_.root_ + "/" + path; }

  Result<void> take(const std::string& path, const fs::directory_entry& entry, int depth) {
    std::error_code unknown;
    const fs::file_status status = entry.symlink_status(unknown);
    const bool is_folder = fs::is_directory(status);
    if (rules_.ignores(path, is_folder)) return {};
    if (is_folder) return depth < kMaxDepth ? folder(path, depth + 1) : Result<void>();
    if (fs::is_symlink(status)) {
      const fs::path target = fs::read_symlink(entry.path(), unknown);
      if (!unknown) inputs.emplace(path, digestOf("link " + target.string()));
    } else if (fs::is_regular_file(status)) {
      takeFile(path);
    }
    if (inputs.size() <= scan_.limits_.max_files) return {};
    return fail(ErrorCode::kResourceExhausted,
                "more than " + std::to_string(scan_.limits_.max_files) + " files below " +
                    scan_.root_ + "; name those that are no sources in .gitignore");
  }

  void takeFile(const std::string& path) {
    const FileStamp stamp = stampOf(full(path));
    const auto before = scan_.known_.find(path);
    if (before != scan_.known_.end() && before->second.settled && before->second.stamp == stamp) {
      inputs.emplace(path, before->second.digest);
      known.insert(*before);
      return;
    }
    const bool settled = isSettled(stamp);  // before it is read
    const auto digest = read(path, stamp);
    if (!digest) return;
    inputs.emplace(path, *digest);
    known.emplace(path, Known{stamp, *digest, settled});
  }

  std::optional<engine::Sha256> read(const std::string& path, const FileStamp& stamp) const {
    if (stamp.bytes > scan_.limits_.max_file_bytes) return digestOf(stamp);
    const auto text = readFile(full(path), scan_.limits_.max_file_bytes);
    if (!text) return std::nullopt;
    return digestOf(*text);
  }

  [[nodiscard]] bool isSettled(const FileStamp& stamp) const {
    const std::chrono::nanoseconds now = scan_.clock_.wallNow().time_since_epoch();
    return now - std::chrono::nanoseconds(stamp.changed_ns) > kStampStep;
  }

  const InputScan& scan_;
  const IgnoreRules& rules_;
};

Result<Inputs> InputScan::run(const IgnoreRules& rules) {
  Walk walk(*this, rules);
  TRY_VOID(walk.folder("", 0));
  known_ = std::move(walk.known);
  return std::move(walk.inputs);
}

}  // namespace nimbus::dev
