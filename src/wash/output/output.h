#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace nimbus::wash {

enum class OutputFormat { kText, kJson };

// Exit statuses of the program.
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;
inline constexpr int kExitUsage = 2;

// One field of the `data` object; the value is JSON text already (see jsonText).
using DataField = std::pair<std::string_view, std::string>;

// A string as a JSON string literal, with quotes.
[[nodiscard]] std::string jsonText(std::string_view text);

// The array of what `json(item)` says of each item, which is JSON text.
template <typename Items, typename Json>
[[nodiscard]] std::string jsonArray(const Items& items, Json json) {
  std::string array = "[";
  for (const auto& item : items) {
    if (array.size() > 1) array += ',';
    array += json(item);
  }
  return array + "]";
}
[[nodiscard]] std::string jsonList(const std::vector<std::string>& texts);

// The one line of `-o json`: {"message", "success", "data"}.
[[nodiscard]] std::string resultLine(bool success, std::string_view message,
                                     const std::vector<DataField>& data);

// Writes to standard output at once. Whether it got there is for finishOutput to say.
void printOutput(std::string_view text);

// Writes a result to standard output: `text` as it is, or as JSON with `data`.
void printResult(OutputFormat format, std::string_view text, const std::vector<DataField>& data);

// Reports a failure: in text on standard error, as JSON on standard output. Returns kExitFailed.
[[nodiscard]] int reportFailure(OutputFormat format, const Error& error);

// The last word about standard output: results that did not get there, such as onto a full disk,
// are a failure, whatever `status` was to be. A reader that has gone has seen enough.
[[nodiscard]] int finishOutput(int status);

}  // namespace nimbus::wash
