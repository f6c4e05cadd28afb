#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

// How often guests of this process wanted what is denied, by reason. Any thread.
namespace nimbus::host {

// `what` begins with the reason's name and a colon, as Verdict makes it; anything else is "other".
void countDenial(std::string_view what);

[[nodiscard]] std::vector<std::pair<std::string_view, std::uint64_t>> denialCounts();

}  // namespace nimbus::host
