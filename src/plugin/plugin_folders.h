#pragma once

#include <string>

#include "base/result.h"
#include "base/unique_fd.h"

// The folders in which plugins keep files. One may be in use when its plugin is removed, by a name
// that cannot change: it is left then, with a mark beside it, and deleted when nobody holds it any
// more. All but holding is for whoever has the lock of the plugins' folder.
namespace nimbus::plugin {

// Until the result goes, in whatever process; of a link, what it leads to. kUnavailable: it is
// being deleted.
[[nodiscard]] Result<UniqueFd> holdFolder(const std::string& folder);
// What tells a folder that is held from all others there are meanwhile, also from one by the same
// name: letters, digits and `-`.
[[nodiscard]] Result<std::string> stampOf(const UniqueFd& folder);

// Deletes a folder with all that is in it; one that is held is left. Of a link that stands in its
// place only the link goes, held or not.
[[nodiscard]] Result<void> removeFolder(const std::string& folder);

// Whether folders were left below `parent`. Needs no lock.
[[nodiscard]] bool anyFolderIsLeft(const std::string& parent);
// Deletes those of them that nobody holds. The first error; the others are deleted all the same.
[[nodiscard]] Result<void> removeLeftFolders(const std::string& parent);
// Deletes that one if it was left, whoever holds it: it is wanted for another plugin.
[[nodiscard]] Result<void> removeLeftFolder(const std::string& folder);

}  // namespace nimbus::plugin
