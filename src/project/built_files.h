#pragma once

#include <filesystem>
#include <vector>

#include "project/build.h"

// Where what a project is built into is found again, as long as no build.component_path says it.
namespace nimbus::project {

// Whether it begins as a component does: no core module, and nothing that cannot be read.
[[nodiscard]] bool isComponentFile(const std::filesystem::path& file);

// What lies in the usual places of a project, place by place, each in the order of its names:
//  * components in target/wasm32-*/PROFILE, as cargo leaves them, of the one profile that was built
//    last (of several that are equally old, `wanted`): core modules lie beside them;
//  * *.wasm in build, dist, out and the folder itself.
[[nodiscard]] std::vector<std::filesystem::path> findBuiltFiles(
    const std::filesystem::path& project, BuildProfile wanted);

// Whether a file lies where findBuiltFiles() looks.
[[nodiscard]] bool isInUsualPlace(const std::filesystem::path& project,
                                  const std::filesystem::path& file);

// Makes a file that was built the latest of all profiles: where nothing had changed since, cargo
// leaves it as old as it was. Others stay as they are, and so does one that is the latest.
void markAsBuiltLast(const std::filesystem::path& file);

}  // namespace nimbus::project
