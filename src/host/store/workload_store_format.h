#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "host/store/workload_store.h"

// The files of a workload store; docs/formats/workload-store.md describes them. Internal to
// workload_store*.cc.
namespace nimbus::host {

inline constexpr std::string_view kWorkloadFileSuffix = ".json";

// A workload's key in the journal: its id. Anything but a-z, 0-9 and "-" in a name is written as
// %XX.
[[nodiscard]] std::string workloadKey(std::string_view id);

// The value of that key.
[[nodiscard]] std::string encodeWorkloadRecord(const StoredWorkload& workload);
// kInvalidArgument says what is damaged.
[[nodiscard]] Result<StoredWorkload> decodeWorkloadRecord(std::string_view record);
// What the journal has under that key. An intact record whose manifest is refused gives a workload
// with a problem.
[[nodiscard]] Result<StoredWorkload> decodeWorkloadEntry(std::string_view key,
                                                         std::string_view record);

// Where earlier versions kept a workload: a file of its own.
// "<namespace>.<name>.json". Anything but a-z, 0-9 and "-" is written as %XX, so that no id can
// name another file or leave the folder.
[[nodiscard]] std::string workloadFileName(std::string_view namespace_name, std::string_view name);

[[nodiscard]] std::string encodeWorkloadFile(const StoredWorkload& workload);
// kInvalidArgument says what is damaged.
[[nodiscard]] Result<StoredWorkload> decodeWorkloadFile(std::string_view content);

// A number that is enclosed in the same way as a workload: the generation counter's file.
[[nodiscard]] std::string encodeCounterFile(std::uint64_t value);
[[nodiscard]] Result<std::uint64_t> decodeCounterFile(std::string_view content);

}  // namespace nimbus::host
