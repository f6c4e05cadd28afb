#include "engine/trap_reason.h"

#include <gtest/gtest.h>

namespace nimbus::engine {
namespace {

TEST(TrapReason, IsTheFirstLineWithItsLastCause) {
  EXPECT_EQ(trapReason("error while executing at wasm backtrace:\n    0: 0x4a - a!b\n\nCaused by:\n"
                       "    wasm trap: unreachable\n    more"),
            "wasm trap: unreachable");
  EXPECT_EQ(trapReason("in the guest: error while executing at wasm backtrace:\n 0: a\nCaused by:\n"
                       "  first\nCaused by:\n  last"),
            "in the guest: last");
}

TEST(TrapReason, IsTheFirstLineOfAnythingElse) {
  EXPECT_EQ(trapReason("no slot is left\nand more"), "no slot is left");
  EXPECT_EQ(trapReason("error while executing at wasm backtrace:\n 0: a"),
            "error while executing at wasm backtrace:");
  EXPECT_EQ(trapReason(""), "");
}

}  // namespace
}  // namespace nimbus::engine
