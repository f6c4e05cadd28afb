#include "dev/build_outputs.h"

#include <gtest/gtest.h>

#include "base/bytes.h"

namespace nimbus::dev {
namespace {

using Paths = std::vector<std::string>;

Inputs files(const std::map<std::string, std::string>& texts) {
  Inputs inputs;
  for (const auto& [path, text] : texts) {
    inputs[path] =
        engine::sha256({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
  }
  return inputs;
}
// As a build leaves them that writes another stamp each time.
Inputs stamped(int number) { return files({{"main", "1"}, {"stamp", std::to_string(number)}}); }

// Builds that write a stamp, one started by the other, until it is recognised.
int stampUntilRecognised(BuildOutputs& outputs) {
  for (int number = 0; number < 100; ++number) {
    if (outputs.buildEnded(stamped(number), stamped(number + 1)) == Paths{"stamp"}) return number;
    EXPECT_NE(outputs.builtInputs(stamped(number), stamped(number + 1)), stamped(number + 1));
  }
  return -1;
}

TEST(BuildOutputsTest, AFileThatABuildMakesStartsOneMoreAndThenIsQuiet) {
  BuildOutputs outputs;
  const Inputs before = files({{"main", "1"}});
  const Inputs after = files({{"generated", "1"}, {"main", "1"}});
  EXPECT_TRUE(outputs.buildEnded(before, after).empty());
  EXPECT_NE(outputs.builtInputs(before, after), after);  // one more
  EXPECT_FALSE(outputs.isSuspicious(after));
  EXPECT_TRUE(outputs.buildEnded(after, after).empty());
  EXPECT_EQ(outputs.builtInputs(after, after), after);  // quiet
}

TEST(BuildOutputsTest, AFileThatIsAnotherAfterEachBuildIsRecognisedAsTheBuilds) {
  BuildOutputs outputs;
  const int last = stampUntilRecognised(outputs);
  EXPECT_EQ(last + 1, BuildOutputs::kRecognisedAfter);
  EXPECT_EQ(outputs.builtInputs(stamped(last), stamped(last + 1)), stamped(last + 1));
  // A change by hand counts as before.
  EXPECT_NE(outputs.builtInputs(stamped(last), stamped(last + 1)), stamped(100));
}

TEST(BuildOutputsTest, BuildsThatStartOneAnotherAreSuspiciousAfterTwo) {
  BuildOutputs outputs;
  static_cast<void>(outputs.buildEnded(stamped(0), stamped(1)));
  EXPECT_FALSE(outputs.isSuspicious(stamped(1)));
  static_cast<void>(outputs.buildEnded(stamped(1), stamped(2)));
  EXPECT_TRUE(outputs.isSuspicious(stamped(2)));
  EXPECT_FALSE(outputs.isSuspicious(stamped(3)));  // changed by hand since
}

TEST(BuildOutputsTest, AFileThatIsSavedInThePausesTooIsNotMistaken) {
  BuildOutputs outputs;
  for (int save = 0; save < 40; save += 2) {
    EXPECT_TRUE(outputs.buildEnded(stamped(save), stamped(save + 1)).empty());
    EXPECT_NE(outputs.builtInputs(stamped(save), stamped(save + 1)), stamped(save + 1));
  }
}

TEST(BuildOutputsTest, ABuildThatLeavesARecognisedFileAsItIsTakesThatBack) {
  BuildOutputs outputs;
  const int last = stampUntilRecognised(outputs);
  const Inputs quiet = stamped(last + 1);
  static_cast<void>(outputs.buildEnded(quiet, quiet));
  EXPECT_TRUE(outputs.buildEnded(quiet, stamped(200)).empty());
  EXPECT_NE(outputs.builtInputs(quiet, stamped(200)), stamped(200));
}

TEST(BuildOutputsTest, AnOutputThatABuildDeletesIsGone) {
  BuildOutputs outputs;
  const Inputs without = files({{"main", "1"}});
  for (int build = 1; build < BuildOutputs::kRecognisedAfter; ++build) {
    const Inputs& before = build % 2 == 1 ? without : stamped(1);
    const Inputs& after = build % 2 == 1 ? stamped(1) : without;
    EXPECT_TRUE(outputs.buildEnded(before, after).empty());
  }
  EXPECT_EQ(outputs.buildEnded(without, stamped(1)), Paths{"stamp"});
  EXPECT_TRUE(outputs.buildEnded(stamped(1), without).empty());
  EXPECT_EQ(outputs.builtInputs(stamped(1), without), without);
}

}  // namespace
}  // namespace nimbus::dev
