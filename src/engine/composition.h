#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rust/engine.h"
#include "wit/compose.h"

// Compositions as the engine sees them. Internal to src/engine.
namespace nimbus::engine {

// Views into the composition.
[[nodiscard]] std::vector<NimbusLabel> rawLabels(const wit::Composition& composition);

// What the first label named in `message` stands for, as a message of its own; empty if it names
// none.
[[nodiscard]] std::string labelMeaning(const wit::Composition& composition,
                                       std::string_view message);

}  // namespace nimbus::engine
