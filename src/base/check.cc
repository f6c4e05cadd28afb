#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace nimbus {

void checkFailed(std::string_view condition, std::string_view operands,
                 std::source_location where) {
  fmt::print(stderr, "{}:{}: check failed in {}: {}{}{}\n", where.file_name(), where.line(),
             where.function_name(), condition, operands.empty() ? "" : ": ", operands);
  std::abort();
}

}  // namespace nimbus
