#include "host/store/workload_store_format.h"

#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "host/manifest/text_rules.h"
#include "host/store/sealed_line.h"

namespace nimbus::host {
namespace {

constexpr std::string_view kGenerationKey = R"({"generation":)";
constexpr std::string_view kManifestKey = R"(,"manifest":)";

std::unexpected<Error> damaged(std::string message) {
  return fail(ErrorCode::kInvalidArgument, std::move(message));
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

struct RecordParts {
  std::uint64_t generation = 0;
  std::string_view manifest;
};

Result<RecordParts> splitRecord(std::string_view record) {
  RecordParts parts;
  TRY(parts.generation, takeGeneration(record));
  if (!record.starts_with(kManifestKey) || !record.ends_with('}'))
    return damaged("the record has no manifest");
  record.remove_prefix(kManifestKey.size());
  record.remove_suffix(1);
  parts.manifest = record;
  return parts;
}

std::string escapeName(std::string_view name) {
  std::string escaped;
  for (const char c : name)
    if (isDnsLabel({&c, 1}) || c == '-')
      escaped += c;
    else
      escaped += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return escaped;
}

}  // namespace

std::string workloadKey(std::string_view id) {
  const auto parts = splitOnce(id, '/');
  return parts ? escapeName(parts->first) + "/" + escapeName(parts->second) : escapeName(id);
}

std::string workloadFileName(std::string_view namespace_name, std::string_view name) {
  return fmt::format("{}.{}{}", escapeName(namespace_name), escapeName(name), kWorkloadFileSuffix);
}

std::string encodeWorkloadRecord(const StoredWorkload& workload) {
  return fmt::format("{}{}{}{}}}", kGenerationKey, workload.generation, kManifestKey,
                     toJson(*workload.spec));
}

Result<StoredWorkload> decodeWorkloadRecord(std::string_view record) {
  TRY(const RecordParts parts, splitRecord(record));
  TRY(WorkloadSpec spec, parseStoredManifest(parts.manifest, "manifest"));
  return StoredWorkload{std::make_shared<const WorkloadSpec>(std::move(spec)), parts.generation};
}

Result<StoredWorkload> decodeWorkloadEntry(std::string_view key, std::string_view record) {
  auto workload = decodeWorkloadRecord(record);
  if (workload && workloadKey(workload->spec->id()) != key)
    return damaged(fmt::format("it describes the workload {}", workload->spec->id()));
  if (workload) return workload;
  TRY(const RecordParts parts, splitRecord(record));
  const auto names = splitOnce(key, '/');
  if (!names || !isDnsLabel(names->first) || !isDnsLabel(names->second)) return workload;
  auto spec = std::make_shared<WorkloadSpec>();
  spec->namespace_name = names->first;
  spec->name = names->second;
  return StoredWorkload{std::move(spec), parts.generation, workload.error().describe()};
}

std::string encodeWorkloadFile(const StoredWorkload& workload) {
  return sealLine(encodeWorkloadRecord(workload));
}

Result<StoredWorkload> decodeWorkloadFile(std::string_view content) {
  TRY(const std::string_view record, openSealedLine(content));
  return decodeWorkloadRecord(record);
}

std::string encodeCounterFile(std::uint64_t value) {
  return sealLine(fmt::format("{}{}}}", kGenerationKey, value));
}

Result<std::uint64_t> decodeCounterFile(std::string_view content) {
  TRY(std::string_view record, openSealedLine(content));
  TRY(const std::uint64_t value, takeGeneration(record));
  if (record != "}") return damaged("the record is not a counter");
  return value;
}

}  // namespace nimbus::host
