#include "host/workload_store_format.h"

#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "engine/digest.h"
#include "host/text_rules.h"

namespace nimbus::host {
namespace {

constexpr std::string_view kPrefix = R"({"format":1,"sha256":")";
constexpr std::string_view kMiddle = R"(","record":)";
constexpr std::string_view kEnd = "}\n";
constexpr std::size_t kDigestBytes = 64;
constexpr std::string_view kGenerationKey = R"({"generation":)";
constexpr std::string_view kManifestKey = R"(,"manifest":)";

std::unexpected<Error> damaged(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

std::string digestOf(std::string_view record) {
  return engine::toHex(engine::sha256(asBytes(record)));
}

std::string enclose(std::string_view record) {
  return fmt::format("{}{}{}{}{}", kPrefix, digestOf(record), kMiddle, record, kEnd);
}

// The exact bytes of the record, once they match their digest.
Result<std::string_view> open(std::string_view content) {
  const std::size_t frame = kPrefix.size() + kDigestBytes + kMiddle.size();
  if (!content.starts_with(kPrefix)) return damaged("it does not begin as format 1 does");
  if (content.size() < frame + kEnd.size() || !content.ends_with(kEnd) ||
      content.substr(kPrefix.size() + kDigestBytes, kMiddle.size()) != kMiddle)
    return damaged("it is cut off");
  const std::string_view record = content.substr(frame, content.size() - frame - kEnd.size());
  if (content.substr(kPrefix.size(), kDigestBytes) != digestOf(record))
    return damaged("its content does not match its checksum");
  return record;
}

// Takes `{"generation":<n>` off the front of a record.
Result<std::uint64_t> takeGeneration(std::string_view& record) {
  if (!record.starts_with(kGenerationKey)) return damaged("the record has no generation");
  record.remove_prefix(kGenerationKey.size());
  const std::size_t digits = std::min(record.find_first_not_of("0123456789"), record.size());
  const auto generation = parseDecimal(record.substr(0, digits));
  if (!generation) return damaged("the generation is not a number");
  record.remove_prefix(digits);
  return *generation;
}

}  // namespace

std::string workloadFileName(std::string_view namespace_name, std::string_view name) {
  std::string file;
  const auto append = [&file](std::string_view part) {
    for (const char c : part)
      if (isDnsLabel({&c, 1}) || c == '-')
        file += c;
      else
        file += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  };
  append(namespace_name);
  file += '.';
  append(name);
  return file.append(kWorkloadFileSuffix);
}

std::string workloadFileName(std::string_view id) {
  const std::size_t slash = std::min(id.find('/'), id.size());
  return workloadFileName(id.substr(0, slash), id.substr(std::min(slash + 1, id.size())));
}

std::string encodeWorkloadFile(const StoredWorkload& workload) {
  return enclose(fmt::format("{}{}{}{}}}", kGenerationKey, workload.generation, kManifestKey,
                             toJson(*workload.spec)));
}

Result<StoredWorkload> decodeWorkloadFile(std::string_view content) {
  TRY(std::string_view record, open(content));
  TRY(const std::uint64_t generation, takeGeneration(record));
  if (!record.starts_with(kManifestKey) || !record.ends_with('}'))
    return damaged("the record has no manifest");
  record.remove_prefix(kManifestKey.size());
  record.remove_suffix(1);
  TRY(WorkloadSpec spec, parseManifest(record, "manifest", ""));
  return StoredWorkload{std::make_shared<const WorkloadSpec>(std::move(spec)), generation};
}

std::string encodeCounterFile(std::uint64_t value) {
  return enclose(fmt::format("{}{}}}", kGenerationKey, value));
}

Result<std::uint64_t> decodeCounterFile(std::string_view content) {
  TRY(std::string_view record, open(content));
  TRY(const std::uint64_t value, takeGeneration(record));
  if (record != "}") return damaged("the record is not a counter");
  return value;
}

}  // namespace nimbus::host
