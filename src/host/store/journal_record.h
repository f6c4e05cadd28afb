#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

// The lines of a journal (docs/formats/workload-store.md): a key gets a value, or is dropped.
namespace nimbus::host {

// Keys: a-z, 0-9 and "-./%_"; never empty.
[[nodiscard]] bool isJournalKey(std::string_view key);

// Sealed lines with their line feed. The value is JSON without line feeds.
[[nodiscard]] std::string encodePut(std::string_view key, std::string_view value);
[[nodiscard]] std::string encodeDrop(std::string_view key);

struct JournalRecord {
  std::string_view key;
  std::string_view value;  // empty: the key is dropped
};
// kInvalidArgument says what is damaged. `line` ends with its line feed.
[[nodiscard]] Result<JournalRecord> decodeJournalLine(std::string_view line
                                                      [[clang::lifetimebound]]);

}  // namespace nimbus::host
