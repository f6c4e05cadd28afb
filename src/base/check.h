#pragma once

#include <source_location>

#include <fmt/format.h>

namespace nimbus {

// Prints where and why to standard error and aborts. Use the macros below.
[[noreturn]] void checkFailed(std::string_view condition, std::string_view operands,
                              std::source_location where);

}  // namespace nimbus

// For bugs, never for bad input: aborts unless the condition holds.
#define NIMBUS_CHECK(condition)                                               \
  do {                                                                        \
    if (!(condition)) [[unlikely]]                                            \
      ::nimbus::checkFailed(#condition, {}, std::source_location::current()); \
  } while (false)

// NIMBUS_CHECK_OP(used, <=, limit): prints both operands when it fails.
#define NIMBUS_CHECK_OP(left, op, right)                                                    \
  do {                                                                                      \
    if (!((left)op(right))) [[unlikely]]                                                    \
      ::nimbus::checkFailed(#left " " #op " " #right, fmt::format("{} vs {}", left, right), \
                            std::source_location::current());                               \
  } while (false)
