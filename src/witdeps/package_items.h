#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "witdeps/wit_tree.h"

namespace nimbus::witdeps {

// What a text of WIT declares, by "interface sink", "world app", …: each as its words in one line,
// without comments and feature gates. Two texts that mean the same have the same items. Text that
// is no WIT gives items too, of which nothing is to be expected.
using PackageItems = std::map<std::string, std::string>;
[[nodiscard]] PackageItems itemsOf(std::string_view wit);
[[nodiscard]] PackageItems itemsOf(const TextPackage& package);

// The items that both have, and differently. Copies that are pruned to what somebody needs do not
// count as others.
[[nodiscard]] std::vector<std::string> differingItems(const PackageItems& a, const PackageItems& b);

// Two texts of one package among `packages` that are not the same, if there are: an Error with both
// places.
[[nodiscard]] std::optional<Error> conflictIn(const std::vector<TextPackage>& packages,
                                              const wit::PackageRef& package);

}  // namespace nimbus::witdeps
