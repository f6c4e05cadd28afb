#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "host/store/journal.h"
#include "host/store/journal_record.h"

// The part of a journal that gives space back: oldest file first, so that a dropped key needs its
// line no longer than there are older files.
namespace nimbus::host {
namespace {

// How much of the oldest segment one commit looks at. Several times what it appends: the journal
// must shrink faster than it grows.
constexpr std::size_t kLeastPortionBytes = 16 * 1024;
constexpr std::size_t kPortionPerCommittedByte = 4;

// Files with what was cut off from the ends of segments.
constexpr std::size_t kMostTails = 8;

}  // namespace

// All but the newest: by their names, which end in the numbers of the segments.
void Journal::removeOldTails() const {
  std::vector<std::filesystem::path> tails;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder_, error), end; it != end && !error;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with("journal.") && name.ends_with(kTailSuffix)) tails.push_back(it->path());
  }
  std::ranges::sort(tails);
  for (std::size_t i = 0; i + kMostTails < tails.size() && !error; ++i)
    std::filesystem::remove(tails[i], error);
  if (error)
    log_.warn("old ends of files of the workload store cannot be removed",
              {{"folder", folder_}, {"error", error.message()}});
}

bool Journal::wantsCleaning() const {
  return !cleaning_fails_ && segments_.size() > 1 &&
         (!cleaning_.content.empty() || bytes_ > 2 * live_bytes_ + options_.slack_bytes);
}

std::string Journal::takeLiveLines(std::size_t committed, std::size_t& next_offset) {
  next_offset = cleaning_.offset;
  if (!wantsCleaning()) return {};
  const JournalSegment& oldest = segments_.begin()->second;
  if (cleaning_.content.empty()) {
    auto content = oldest.read(0, oldest.bytes());
    if (!content) {
      cleaning_fails_ = true;
      log_.error("the workload store cannot be cleaned", {{"error", content.error().describe()}});
      return {};
    }
    cleaning_ = {*std::move(content), 0};
    next_offset = 0;
  }
  const std::size_t portion = std::max(kLeastPortionBytes, kPortionPerCommittedByte * committed);
  std::string live;
  while (next_offset < cleaning_.content.size() && next_offset - cleaning_.offset < portion) {
    const std::string_view rest = std::string_view(cleaning_.content).substr(next_offset);
    const std::string_view line = rest.substr(0, rest.find('\n') + 1);
    if (line.empty()) {  // cut off, and reported when it was read
      next_offset = cleaning_.content.size();
      break;
    }
    const auto record = decodeJournalLine(line);
    const auto known = record ? places_.find(record->key) : places_.end();
    if (known != places_.end() && known->second == Place{oldest.number(), next_offset, line.size()})
      live += line;
    next_offset += line.size();
  }
  return live;
}

void Journal::afterCleaning(std::size_t next_offset) {
  if (segments_.size() < 2) return;
  cleaning_.offset = next_offset;
  const bool finished = !cleaning_.content.empty() && cleaning_.offset == cleaning_.content.size();
  const bool empty = segments_.begin()->second.bytes() == 0;
  if (finished || empty) removeOldest();
}

void Journal::removeOldest() {
  cleaning_ = {};
  JournalSegment& oldest = segments_.begin()->second;
  Result<void> removed = oldest.remove();
  // Before a newer file may go: lines that drop keys must not go before what they drop.
  if (removed) removed = syncFolder(folder_);
  if (!removed) {
    cleaning_fails_ = true;
    log_.error("the workload store cannot be cleaned", {{"error", removed.error().describe()}});
    return;
  }
  bytes_ -= oldest.bytes();
  segments_.erase(segments_.begin());
}

}  // namespace nimbus::host
