#include "wash/input/given_arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace nimbus::wash {
namespace {

using testing::ElementsAre;
using testing::Pair;

TEST(GivenArguments, AreThoseOfTheCommandThatWasChosenWithoutItsOptions) {
  CLI::App app{"x", "wash"};
  std::string text;
  std::string absent;
  std::string secret;
  std::vector<std::string> texts;
  CLI::App* oci = app.add_subcommand("oci", "Registries");
  CLI::App* push = oci->add_subcommand("push", "Upload");
  push->add_option("reference", text, "Where to");
  push->add_option("path", texts, "What")->expected(2);
  push->add_option("more", absent, "What else");
  push->add_option("-p,--password", secret, "Not told");
  app.add_subcommand("pull", "Download")->add_option("reference", text, "What");
  app.parse("oci push -p secret a:1 b c", false);
  EXPECT_THAT(givenArguments(app),
              ElementsAre(Pair("arguments.path", "b\nc"), Pair("arguments.reference", "a:1")));
}

}  // namespace
}  // namespace nimbus::wash
