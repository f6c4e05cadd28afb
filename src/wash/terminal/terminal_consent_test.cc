#include "wash/terminal/terminal_consent.h"

#include <gtest/gtest.h>

namespace nimbus::wash {
namespace {

using plugin::Answer;

TEST(TerminalConsentTest, OnlyAClearYesIsOne) {
  EXPECT_EQ(answerOf("y"), Answer::kOnce);
  EXPECT_EQ(answerOf(" YES "), Answer::kOnce);
  EXPECT_EQ(answerOf("a"), Answer::kAlways);
  EXPECT_EQ(answerOf("always"), Answer::kAlways);
  for (const char* typed : {"", "n", "no", "yess", "1", "yy"})
    EXPECT_EQ(answerOf(typed), Answer::kNo) << typed;
}

TEST(TerminalConsentTest, SaysWhoWantsWhatAndWhy) {
  EXPECT_EQ(consentText({"otel", "run /usr/bin/docker", "to collect"}),
            "Plugin otel wants to run /usr/bin/docker\n  because: to collect\n"
            "Allow? [y]es this time, [a]lways, [N]o: ");
}

}  // namespace
}  // namespace nimbus::wash
