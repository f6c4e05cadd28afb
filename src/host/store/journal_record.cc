#include "host/store/journal_record.h"

#include <algorithm>
#include <cstddef>

#include <fmt/format.h>

#include "base/check.h"
#include "host/store/sealed_line.h"

namespace nimbus::host {
namespace {

constexpr std::string_view kPut = R"({"put":")";
constexpr std::string_view kDrop = R"({"drop":")";
constexpr std::string_view kValue = R"(","value":)";

std::unexpected<Error> damaged(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

// What follows `{"put":"<key>`, with the key.
Result<JournalRecord> takeKey(std::string_view record) {
  const std::size_t end = std::min(record.find('"'), record.size());
  const std::string_view key = record.substr(0, end);
  if (!isJournalKey(key)) return damaged("its key is not one");
  return JournalRecord{key, record.substr(end)};
}

}  // namespace

bool isJournalKey(std::string_view key) {
  return !key.empty() && std::ranges::all_of(key, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'F') || (c >= '0' && c <= '9') ||
           std::string_view("-./%_").contains(c);
  });
}

std::string encodePut(std::string_view key, std::string_view value) {
  NIMBUS_CHECK(isJournalKey(key) && !value.empty() && !value.contains('\n'));
  return sealLine(fmt::format("{}{}{}{}}}", kPut, key, kValue, value));
}

std::string encodeDrop(std::string_view key) {
  NIMBUS_CHECK(isJournalKey(key));
  return sealLine(fmt::format("{}{}\"}}", kDrop, key));
}

Result<JournalRecord> decodeJournalLine(std::string_view line) {
  TRY(const std::string_view record, openSealedLine(line));
  if (record.starts_with(kPut)) {
    TRY(JournalRecord put, takeKey(record.substr(kPut.size())));
    if (!put.value.starts_with(kValue) || put.value.size() < kValue.size() + 2 ||
        !put.value.ends_with('}'))
      return damaged("it has no value");
    put.value.remove_prefix(kValue.size());
    put.value.remove_suffix(1);
    return put;
  }
  if (!record.starts_with(kDrop)) return damaged("it neither puts nor drops a key");
  TRY(JournalRecord drop, takeKey(record.substr(kDrop.size())));
  if (drop.value != "\"}") return damaged("it does not end after its key");
  drop.value = {};
  return drop;
}

}  // namespace nimbus::host
