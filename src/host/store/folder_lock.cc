#include "host/store/folder_lock.h"

#include <optional>

#include <fmt/format.h>

#include "base/file_lock.h"

namespace nimbus::host {

Result<UniqueFd> claimFolder(const std::string& folder, std::string_view what) {
  TRY(std::optional<UniqueFd> lock, tryLockFile(folder + "/lock"));
  if (lock) return *std::move(lock);
  return fail(ErrorCode::kAlreadyExists,
              fmt::format("the {} folder {} is in use by another host", what, folder));
}

}  // namespace nimbus::host
