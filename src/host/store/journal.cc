#include "host/store/journal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "base/files.h"
#include "host/store/journal_record.h"

namespace nimbus::host {
namespace {

// Segments of a large journal: at most about this many hold what is alive.
constexpr std::uint64_t kLiveSegments = 16;

// What is cut off from the ends of one segment and kept, over all starts.
constexpr std::size_t kMostTailBytes = 1 << 20;

std::string tailPathOf(const JournalSegment& segment) {
  return segment.path() + std::string(Journal::kTailSuffix);
}

// The line at `offset` with its line feed, or nothing if none ends.
std::optional<std::string_view> lineAt(std::string_view content, std::size_t offset) {
  const std::size_t end = content.find('\n', offset);
  if (end == std::string_view::npos) return std::nullopt;
  return content.substr(offset, end + 1 - offset);
}

}  // namespace

Result<std::unique_ptr<Journal>> Journal::open(std::string folder, JournalOptions options,
                                               Logger& log) {
  std::unique_ptr<Journal> journal(new Journal(std::move(folder), options, log));
  TRY_VOID(journal->replayAll());
  return journal;
}

Result<void> Journal::replayAll() {
  TRY(const std::vector<std::uint64_t> numbers, JournalSegment::numbersIn(folder_));
  for (const std::uint64_t number : numbers) {
    TRY(JournalSegment segment, JournalSegment::open(folder_, number));
    TRY_VOID(replay(segment, number == numbers.back()));
    bytes_ += segment.bytes();
    segments_.emplace(number, std::move(segment));
  }
  return {};
}

Result<void> Journal::replay(JournalSegment& segment, bool newest) {
  TRY(const std::string content, segment.read(0, segment.bytes()));
  std::size_t good_end = 0;  // behind the last intact line
  std::string damage;        // of the first line that is not
  bool damage_between = false;
  for (std::size_t offset = 0; offset < content.size();) {
    const auto line = lineAt(content, offset);
    const auto record = line ? decodeJournalLine(*line)
                             : fail(ErrorCode::kInvalidArgument, "its last line is cut off");
    const std::size_t length = line ? line->size() : content.size() - offset;
    if (record) {
      note(record->key, !record->value.empty(), {segment.number(), offset, length});
      good_end = offset + length;
      damage_between = !damage.empty();
    } else if (damage.empty()) {
      damage = fmt::format("at byte {}: {}", offset, record.error().message());
    }
    offset += length;
  }
  if (damage.empty()) return {};
  const std::string_view tail = std::string_view(content).substr(good_end);
  if (damage_between || !newest) {
    keepDamaged(segment, damage);
    return {};
  }
  if (const auto kept = keepTail(segment, tail); !kept) {
    keepDamaged(segment, fmt::format("{}; what it ends with was to be cut off, but {}", damage,
                                     kept.error().describe()));
    return {};
  }
  log_.warn("a file of the workload store does not end in an intact line, as after a crash",
            {{"file", segment.path()},
             {"error", damage},
             {"bytes", std::to_string(tail.size())},
             {"kept_as", tailPathOf(segment)}});
  TRY_VOID(segment.truncate(good_end));
  removeOldTails();
  return {};
}

// Behind what was kept before, whole or not at all; fails when that would be more than
// kMostTailBytes.
Result<void> Journal::keepTail(const JournalSegment& segment, std::string_view tail) const {
  const std::string path = tailPathOf(segment);
  const UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600));
  struct stat status{};
  if (!file.valid() || ::fstat(file.get(), &status) != 0) return failFile("create", path, errno);
  if (static_cast<std::size_t>(status.st_size) + tail.size() > kMostTailBytes)
    return fail(ErrorCode::kResourceExhausted, fmt::format("{} is full", path));
  auto written = writeAll(file, path, asBytes(tail));
  if (written && ::fsync(file.get()) != 0) written = failFile("sync", path, errno);
  if (!written && ::ftruncate(file.get(), status.st_size) != 0)
    log_.warn("the end of a file could not be taken back", {{"file", path}});
  TRY_VOID(std::move(written));
  return syncFolder(folder_);
}

// A second name for the file, which from now on nothing is appended to: it stays when the journal
// is done with it.
void Journal::keepDamaged(JournalSegment& segment, std::string_view why) {
  segment.seal();
  const std::string aside = segment.path() + ".corrupt";
  const bool kept = ::link(segment.path().c_str(), aside.c_str()) == 0 || errno == EEXIST;
  log_.error("a file of the workload store is damaged",
             {{"file", segment.path()},
              {"error", std::string(why)},
              {"kept_as", kept ? aside : segment.path()}});
}

void Journal::note(std::string_view key, bool put, Place place) {
  auto known = places_.find(key);
  if (known != places_.end()) live_bytes_ -= known->second.length;
  if (!put) {
    if (known != places_.end()) places_.erase(known);
    return;
  }
  live_bytes_ += place.length;
  if (known == places_.end())
    places_.emplace(std::string(key), place);
  else
    known->second = place;
}

void Journal::noteAll(std::string_view lines, const JournalSegment& segment, std::uint64_t offset) {
  for (std::size_t at = 0; at < lines.size();) {
    const std::string_view line = *lineAt(lines, at);
    const auto record = decodeJournalLine(line);
    NIMBUS_CHECK(record.has_value());  // we have just encoded it
    note(record->key, !record->value.empty(), {segment.number(), offset + at, line.size()});
    at += line.size();
  }
}

Result<JournalSegment*> Journal::writable() {
  const std::uint64_t full = std::max(options_.segment_bytes, live_bytes_ / kLiveSegments);
  if (!segments_.empty()) {
    JournalSegment& newest = segments_.rbegin()->second;
    if (!newest.sealed() && newest.bytes() < full) return &newest;
    newest.seal();
  }
  const std::uint64_t number = segments_.empty() ? 1 : segments_.rbegin()->first + 1;
  TRY(JournalSegment segment, JournalSegment::create(folder_, number));
  return &segments_.emplace(number, std::move(segment)).first->second;
}

// What is written to a file that nobody will find again would be lost with this process.
Result<void> Journal::checkInPlace() const {
  for (const auto& [number, segment] : segments_)
    if (!segment.inPlace())
      return fail(ErrorCode::kIo,
                  fmt::format("{} was deleted or moved away while this host uses it, so that no "
                              "change can be kept: put it back, or start the host again",
                              segment.path()));
  return {};
}

// A segment that is empty after a failure goes: else each further attempt would leave one.
Result<void> Journal::append(JournalSegment& segment, std::string_view batch) {
  auto appended = segment.append(batch);
  if (!appended && segment.sealed() && segment.bytes() == 0 && segment.remove())
    segments_.erase(segment.number());
  return appended;
}

Result<void> Journal::commit(std::span<const std::string> lines) {
  std::string batch;
  for (const std::string& line : lines) batch += line;
  if (batch.empty()) return {};
  TRY_VOID(checkInPlace());
  TRY(JournalSegment* const segment, writable());
  // Live lines first: what is committed now may replace them.
  std::size_t cleaned_until = 0;
  batch.insert(0, takeLiveLines(batch.size(), cleaned_until));
  const std::uint64_t offset = segment->bytes();
  TRY_VOID(append(*segment, batch));
  bytes_ += batch.size();
  noteAll(batch, *segment, offset);
  afterCleaning(cleaned_until);
  return {};
}

std::vector<std::string> Journal::keys() const {
  std::vector<std::string> all;
  for (const auto& [key, place] : places_) all.push_back(key);
  return all;
}

Result<std::string> Journal::read(std::string_view key) const {
  const auto found = places_.find(key);
  if (found == places_.end()) return fail(ErrorCode::kNotFound, "no such key in the journal");
  const Place& place = found->second;
  TRY(const std::string line, segments_.at(place.segment).read(place.offset, place.length));
  TRY(const JournalRecord record, decodeJournalLine(line));
  if (record.key != key || record.value.empty())
    return fail(ErrorCode::kInvalidArgument, "the journal changed under the host");
  return std::string(record.value);
}

}  // namespace nimbus::host
