#pragma once

#include <cstddef>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nimbus::wash {

// Questions on a terminal: they are written to standard error, answers are read from standard
// input. The end of the input, and a request to stop, are kCancelled. Never call them where
// nothing may be asked.

// A line from `descriptor`, without spaces around it; nothing behind the line is read.
[[nodiscard]] Result<std::string> readAnswer(int descriptor, const std::stop_token& stop);

// The index of the option that the user picks by its number.
[[nodiscard]] Result<std::size_t> askChoice(std::string_view question,
                                            const std::vector<std::string>& options,
                                            std::stop_token stop);

// What the user types behind the prompt, without the spaces around it.
[[nodiscard]] Result<std::string> askLine(std::string_view prompt, std::stop_token stop);

// Whether the user says yes; anything else is no.
[[nodiscard]] Result<bool> askConsent(std::string_view question, std::stop_token stop);

}  // namespace nimbus::wash
