#include "wash/terminal_consent.h"

#include <gtest/gtest.h>

#include <sstream>

namespace nimbus::wash {
namespace {

using plugin::Answer;

Answer answerTo(const std::string& typed) {
  std::istringstream in(typed);
  std::ostringstream out;
  return TerminalConsent(in, out).ask({"otel", "run /usr/bin/docker", ""});
}

TEST(TerminalConsentTest, OnlyAClearYesIsOne) {
  EXPECT_EQ(answerTo("y\n"), Answer::kOnce);
  EXPECT_EQ(answerTo(" YES \n"), Answer::kOnce);
  EXPECT_EQ(answerTo("a\n"), Answer::kAlways);
  EXPECT_EQ(answerTo("always\n"), Answer::kAlways);
  for (const char* typed : {"", "\n", "n\n", "no\n", "yess\n", "1\n"})
    EXPECT_EQ(answerTo(typed), Answer::kNo) << typed;
}

TEST(TerminalConsentTest, SaysWhoWantsWhatAndWhy) {
  std::istringstream in;
  std::ostringstream out;
  EXPECT_EQ(TerminalConsent(in, out).ask({"otel", "run /usr/bin/docker", "to collect"}),
            Answer::kNo);
  EXPECT_EQ(out.str(),
            "Plugin otel wants to run /usr/bin/docker\n  because: to collect\n"
            "Allow? [y]es this time, [a]lways, [N]o: ");
}

}  // namespace
}  // namespace nimbus::wash
