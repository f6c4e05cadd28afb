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

// Cleaning that failed is tried again when the files have grown by so much of a segment.
constexpr std::uint64_t kRetriesPerSegment = 4;

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
  return bytes_ >= clean_from_bytes_ && segments_.size() > 1 &&
         (!cleaning_.content.empty() || bytes_ > 2 * live_bytes_ + options_.slack_bytes);
}

std::string Journal::takeLiveLines(std::size_t committed, std::size_t& next_offset) {
  next_offset = cleaning_.offset;
  if (!wantsCleaning()) return {};
  const JournalSegment& oldest = segments_.begin()->second;
  if (cleaning_.content.empty()) {
    auto content = oldest.read(0, oldest.bytes());
    if (!content) {
      cleanLater(content.error());
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
  if (segments_.size() < 2 || bytes_ < clean_from_bytes_) return;
  cleaning_.offset = next_offset;
  const bool finished = !cleaning_.content.empty() && cleaning_.offset == cleaning_.content.size();
  const bool empty = segments_.begin()->second.bytes() == 0;
  if (finished || empty) removeOldest();
}

void Journal::removeOldest() {
  cleaning_ = {};
  // Lines that drop keys must not go before what they drop: a crash may leave this segment deleted
  // and bring the one before it back, unless that has gone for good.
  if (const auto synced = syncRemovals(); !synced) return cleanLater(synced.error());
  JournalSegment& oldest = segments_.begin()->second;
  if (const auto removed = oldest.remove(); !removed) return cleanLater(removed.error());
  // From here on it is not part of the journal, synced or not: nothing in it counts any more.
  sync_due_ = true;
  bytes_ -= oldest.bytes();
  segments_.erase(segments_.begin());
  clean_from_bytes_ = 0;
  if (const auto synced = syncRemovals(); !synced) cleanLater(synced.error());
}

Result<void> Journal::syncRemovals() {
  if (!sync_due_) return {};
  TRY_VOID(syncFolder(folder_));
  sync_due_ = false;
  return {};
}

void Journal::cleanLater(const Error& why) {
  cleaning_ = {};
  clean_from_bytes_ = bytes_ + options_.segment_bytes / kRetriesPerSegment;
  log_.error("the workload store cannot be cleaned, and grows until it can",
             {{"error", why.describe()}});
}

}  // namespace nimbus::host
