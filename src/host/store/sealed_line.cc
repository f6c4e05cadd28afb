#include "host/store/sealed_line.h"

#include <cstddef>

#include <fmt/format.h>

#include "base/bytes.h"
#include "engine/digest.h"

namespace nimbus::host {
namespace {

constexpr std::string_view kPrefix = R"({"format":1,"sha256":")";
constexpr std::string_view kMiddle = R"(","record":)";
constexpr std::string_view kEnd = "}\n";
constexpr std::size_t kDigestBytes = 64;

std::string digestOf(std::string_view record) {
  return engine::toHex(engine::sha256(asBytes(record)));
}

}  // namespace

std::string sealLine(std::string_view record) {
  return fmt::format("{}{}{}{}{}", kPrefix, digestOf(record), kMiddle, record, kEnd);
}

Result<std::string_view> openSealedLine(std::string_view line) {
  const auto damaged = [](std::string_view what) {
    return fail(ErrorCode::kInvalidArgument, std::string(what));
  };
  const std::size_t frame = kPrefix.size() + kDigestBytes + kMiddle.size();
  if (!line.starts_with(kPrefix)) return damaged("it does not begin as format 1 does");
  if (line.size() < frame + kEnd.size() || !line.ends_with(kEnd) ||
      line.substr(kPrefix.size() + kDigestBytes, kMiddle.size()) != kMiddle)
    return damaged("it is cut off");
  const std::string_view record = line.substr(frame, line.size() - frame - kEnd.size());
  if (line.substr(kPrefix.size(), kDigestBytes) != digestOf(record))
    return damaged("its content does not match its checksum");
  return record;
}

}  // namespace nimbus::host
