#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "wit/document.h"

namespace nimbus::wit {

// A world of the document: one of its main package by plain name, one of any package by full name
// ("wasi:http/proxy@0.2.3", the version may be left out if there is only one); with an empty name
// the only one of the main package. kNotFound names those that there are; kInvalidArgument: the
// name is empty, and there is none or more than one.
[[nodiscard]] Result<WorldIndex> findWorld(const Document& document, std::string_view name);

// What keeps a component from standing where a world is asked for, in words that follow the
// component's name: "does not export run, which world w asks for", with `world_label` for the
// world. Exports that are missing or have another type, and imports that the world does not have;
// it may export more than the world asks for, and import less. Versions are compatible as
// interfaceMatches() says.
//
// Not compared: imports of the WASI interfaces that the standard libraries of languages bring along
// (wasi:cli, clocks, filesystem, http, io, random, sockets), which worlds seldom list. At most 20.
[[nodiscard]] std::vector<std::string> conformanceProblems(const Document& component,
                                                           const Document& document,
                                                           WorldIndex world,
                                                           std::string_view world_label);

}  // namespace nimbus::wit
