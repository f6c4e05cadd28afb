#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "base/result.h"
#include "host/store/journal_segment.h"

namespace nimbus::host {

struct JournalOptions {
  // A segment that is this large takes no more; with much in the journal they grow with it, so that
  // there are never many.
  std::uint64_t segment_bytes = 1 << 20;
  // The journal is cleaned when its files are larger than twice what is alive and this.
  std::uint64_t slack_bytes = 4 << 20;
};

// Values by key that survive a crash: an append-only log in numbered files of a folder, and in
// memory where the newest value of each key lies. A change costs one write and one sync, however
// many keys there are; several changes at once share them. What is outdated is reclaimed from the
// oldest file on, a little with each change, so that no change waits for all of it.
//
// Blocks. Owned and used by one thread at a time.
//
//   auto journal = Journal::open(folder, {}, log);
//   (*journal)->commit({{encodePut("a", "1"), encodeDrop("b")}});
class Journal {
 public:
  static constexpr std::string_view kTailSuffix = ".tail.corrupt";

  // Reads what is there. What follows the last intact line of all is taken for one that a crash cut
  // off and was never answered for: it goes from the file, and is kept in "<name>.tail.corrupt", of
  // which the newest few stay.
  // Any other damage is reported and the file kept as "<name>.corrupt". Keys have what the intact
  // lines say.
  [[nodiscard]] static Result<std::unique_ptr<Journal>> open(std::string folder,
                                                             JournalOptions options, Logger& log);

  // Complete when all of these lines (encodePut, encodeDrop) would survive a crash. After an error
  // none of them counts in this process; those that reached the disk may after its end.
  [[nodiscard]] Result<void> commit(std::span<const std::string> lines);

  [[nodiscard]] std::vector<std::string> keys() const;  // sorted
  // kNotFound if there is no such key.
  [[nodiscard]] Result<std::string> read(std::string_view key) const;

  [[nodiscard]] std::size_t segmentCount() const { return segments_.size(); }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }  // of all files

 private:
  struct Place {
    std::uint64_t segment = 0;
    std::uint64_t offset = 0;
    std::size_t length = 0;
    friend bool operator==(const Place&, const Place&) = default;
  };
  // What is left to look at in the oldest segment.
  struct Cleaning {
    std::string content;
    std::size_t offset = 0;
  };

  Journal(std::string folder, JournalOptions options, Logger& log)
      : folder_(std::move(folder)), options_(options), log_(log) {}

  Result<void> replayAll();
  Result<void> replay(JournalSegment& segment, bool newest);
  Result<void> keepTail(const JournalSegment& segment, std::string_view tail) const;
  void removeOldTails() const;
  void keepDamaged(JournalSegment& segment, std::string_view why);
  // Remembers where the newest line of its key lies.
  void note(std::string_view key, bool put, Place place);
  void noteAll(std::string_view lines, const JournalSegment& segment, std::uint64_t offset);
  Result<JournalSegment*> writable();
  Result<void> checkInPlace() const;
  Result<void> append(JournalSegment& segment, std::string_view batch);

  bool wantsCleaning() const;
  // Lines of the oldest segment that must be appended anew before it can go, at most about so many
  // bytes; where the look ended goes to `next_offset`.
  std::string takeLiveLines(std::size_t most, std::size_t& next_offset);
  void afterCleaning(std::size_t next_offset);
  void removeOldest();
  Result<void> syncRemovals();
  // Starts over once the files have grown a little: what is amiss may have passed by then, and
  // where it has not, few changes pay for the attempts.
  void cleanLater(const Error& why);

  const std::string folder_;
  const JournalOptions options_;
  Logger& log_;
  std::map<std::string, Place, std::less<>> places_;
  std::map<std::uint64_t, JournalSegment> segments_;
  std::uint64_t bytes_ = 0;
  std::uint64_t live_bytes_ = 0;
  Cleaning cleaning_;
  std::uint64_t clean_from_bytes_ = 0;  // of all files; more than 0 after a failure
  // A segment was deleted, perhaps by an earlier process, and may come back after a crash.
  bool sync_due_ = true;
};

}  // namespace nimbus::host
