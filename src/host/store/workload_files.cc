#include "host/store/workload_files.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/files.h"
#include "host/store/journal_record.h"
#include "host/store/workload_store_format.h"

namespace nimbus::host {
namespace {

constexpr std::string_view kCorruptSuffix = ".corrupt";

// Names of the folder's files with that ending, sorted.
Result<std::vector<std::string>> namesEndingWith(const std::string& folder,
                                                 std::string_view suffix) {
  std::vector<std::string> all;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; it != end && !error;
       it.increment(error)) {
    std::string name = it->path().filename().string();
    if (name.ends_with(suffix)) all.push_back(std::move(name));
  }
  if (error) return failErrno("cannot read " + folder, error.value());
  std::ranges::sort(all);
  return all;
}

Result<StoredWorkload> readWorkloadFile(const std::string& folder, const std::string& name) {
  TRY(const std::string content, readFile(folder + "/" + name, kMaxStoreFileBytes));
  TRY(StoredWorkload workload, decodeWorkloadFile(content));
  if (workloadFileName(workload.spec->namespace_name, workload.spec->name) != name)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("it describes the workload {}", workload.spec->id()));
  return workload;
}

// Whether the journal knows that workload in this or a newer generation.
bool knows(const Journal& journal, const std::string& key, std::uint64_t generation) {
  const auto record = journal.read(key);
  if (!record) return false;
  const auto known = decodeWorkloadRecord(*record);
  return known && known->generation >= generation;
}

}  // namespace

Result<void> adoptWorkloadFiles(const std::string& folder, Journal& journal, Logger& log) {
  TRY(std::vector<std::string> done, namesEndingWith(folder, kTemporarySuffix));
  TRY(const std::vector<std::string> files, namesEndingWith(folder, kWorkloadFileSuffix));
  std::vector<std::string> lines;
  for (const std::string& name : files) {
    const auto workload = readWorkloadFile(folder, name);
    if (!workload) {
      setAside(folder + "/" + name, workload.error(), log);
      continue;
    }
    const std::string key = workloadKey(workload->spec->id());
    if (!knows(journal, key, workload->generation))
      lines.push_back(encodePut(key, encodeWorkloadRecord(*workload)));
    done.push_back(name);
  }
  TRY_VOID(journal.commit(lines));
  for (const std::string& name : done)
    if (::unlink((folder + "/" + name).c_str()) != 0 && errno != ENOENT)
      return failErrno(fmt::format("cannot delete {}/{}", folder, name), errno);
  return done.empty() ? Result<void>() : syncFolder(folder);
}

void setAside(const std::string& path, const Error& why, Logger& log) {
  const std::string aside = path + std::string(kCorruptSuffix);
  const bool damaged =
      why.code() == ErrorCode::kInvalidArgument || why.code() == ErrorCode::kResourceExhausted;
  const bool renamed = damaged && ::rename(path.c_str(), aside.c_str()) == 0;
  log.error("a file of the workload store cannot be used",
            {{"file", path}, {"error", why.describe()}, {"kept_as", renamed ? aside : path}});
}

}  // namespace nimbus::host
