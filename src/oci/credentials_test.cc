#include "oci/credentials.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "net/test_support.h"

namespace nimbus::oci {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// Gives the outcome it was told and notes what it was asked.
class FakeRunner final : public ProcessRunner {
 public:
  Result<ProcessOutcome> run(const ProcessSpec& spec) override {
    asked = spec;
    return outcome;
  }
  Result<std::unique_ptr<BackgroundProcess>> start(const ProcessSpec&) override {
    return fail(ErrorCode::kUnsupported, "not in this test");
  }
  Result<ProcessOutcome> outcome = fail(ErrorCode::kNotFound, "no such program");
  std::optional<ProcessSpec> asked;
};

class CredentialsTest : public ::testing::Test {
 protected:
  Result<std::optional<Credential>> find(std::string_view config,
                                         const std::string& registry = "r.example") {
    folder_.write("config.json", config);
    return DockerCredentials(folder_.path("config.json"), runner_).find(registry);
  }
  Credential found(std::string_view config, const std::string& registry = "r.example") {
    const auto credential = find(config, registry);
    EXPECT_TRUE(credential) << credential.error().describe();
    EXPECT_TRUE(credential && *credential) << "none";
    return credential && *credential ? **credential : Credential();
  }
  TemporaryFolder folder_;
  FakeRunner runner_;
};

constexpr std::string_view kMine = R"({"auths":{"r.example":{"auth":"bWU6czpj"}}})";  // me:s:c

TEST_F(CredentialsTest, AFileThatIsNotThereKnowsNobody) {
  DockerCredentials missing(folder_.path("missing.json"), runner_);
  EXPECT_FALSE(missing.find("r.example").value());
  DockerCredentials nowhere("", runner_);
  EXPECT_FALSE(nowhere.find("r.example").value());
}

TEST_F(CredentialsTest, StandInTheFileItself) {
  EXPECT_EQ(found(kMine), (Credential{"me", "s:c", {}}));
  EXPECT_FALSE(find(kMine, "other.example").value());
  EXPECT_EQ(found(R"({"auths":{"r.example":{"username":"u","password":"p"}}})"),
            (Credential{"u", "p", {}}));
  EXPECT_EQ(found(R"({"auths":{"r.example":{"auth":"","identitytoken":"t"}}})").identity_token,
            "t");
  EXPECT_FALSE(find(R"({"auths":{"r.example":{}}})").value());
}

TEST_F(CredentialsTest, RegistriesStandUnderSeveralNames) {
  for (const std::string& name : {std::string("https://r.example"), std::string("r.example"),
                                  std::string("https://r.example/v2/")})
    EXPECT_EQ(found("{\"auths\":{\"" + name + "\":{\"auth\":\"bWU6cw==\"}}}").user, "me") << name;
  EXPECT_EQ(
      found(R"({"auths":{"https://index.docker.io/v1/":{"auth":"bWU6cw=="}}})", "docker.io").user,
      "me");
}

TEST_F(CredentialsTest, AProgramIsAskedForItsRegistry) {
  runner_.outcome = ProcessOutcome{0, R"({"ServerURL":"x","Username":"me","Secret":"s"})", ""};
  EXPECT_EQ(found(R"({"credHelpers":{"r.example":"cloud"},"credsStore":"other"})"),
            (Credential{"me", "s", {}}));
  EXPECT_THAT(runner_.asked->arguments, ElementsAre("docker-credential-cloud", "get"));
  EXPECT_EQ(runner_.asked->input, "r.example\n");
  EXPECT_TRUE(runner_.asked->timeout.has_value());
}

TEST_F(CredentialsTest, TheStoreKnowsAllRegistries) {
  runner_.outcome = ProcessOutcome{0, R"({"Username":"<token>","Secret":"t"})", ""};
  EXPECT_EQ(found(R"({"credsStore":"keeper"})"), (Credential{{}, {}, "t"}));
  EXPECT_EQ(found(R"({"credsStore":"keeper"})", "docker.io").identity_token, "t");
  EXPECT_EQ(runner_.asked->input, "https://index.docker.io/v1/\n");
}

TEST_F(CredentialsTest, AStoreThatKnowsNobodyLeavesTheFile) {
  runner_.outcome = ProcessOutcome{1, "credentials not found in native keychain\n", ""};
  const std::string config = R"({"credsStore":"keeper",)" + std::string(kMine.substr(1));
  EXPECT_EQ(found(config).user, "me");
  EXPECT_FALSE(find(R"({"credsStore":"keeper"})").value());
}

TEST_F(CredentialsTest, AMissingStoreIsNoHindranceButAMissingHelperIs) {
  EXPECT_FALSE(find(R"({"credsStore":"gone"})").value());
  const auto missing = find(R"({"credHelpers":{"r.example":"gone"}})");
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message(), HasSubstr("docker-credential-gone"));
}

TEST_F(CredentialsTest, AProgramThatFailsIsQuotedSafely) {
  runner_.outcome = ProcessOutcome{3, "secret on stdout", "locked\x1b[1m\n"};
  const auto failed = find(R"({"credsStore":"keeper"})");
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error().describe(), AllOf(HasSubstr("status 3: locked"),
                                               Not(HasSubstr("\x1b")), Not(HasSubstr("secret"))));
}

TEST_F(CredentialsTest, ProgramsThatAnswerNonsenseAreNamed) {
  for (const std::string_view answer : {"", "[]", "{}", R"({"Username":"x"})", "nonsense"}) {
    runner_.outcome = ProcessOutcome{0, std::string(answer), ""};
    const auto failed = find(R"({"credsStore":"keeper"})");
    ASSERT_FALSE(failed) << answer;
    EXPECT_EQ(failed.error().code(), ErrorCode::kProtocol);
  }
}

TEST_F(CredentialsTest, AFileThatIsNotWellFormedIsNamed) {
  for (const std::string_view config :
       {"", "[]", R"({"auths":[]})", R"({"auths":{"r.example":7}})",
        R"({"auths":{"r.example":{"auth":"!"}}})", R"({"auths":{"r.example":{"auth":"bWU="}}})",
        R"({"credsStore":"../evil"})", R"({"credHelpers":{"r.example":"a b"}})"}) {
    const auto failed = find(config);
    ASSERT_FALSE(failed) << config;
    EXPECT_EQ(failed.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_THAT(failed.error().message(), HasSubstr(folder_.path("config.json")));
  }
  EXPECT_FALSE(runner_.asked);
}

TEST_F(CredentialsTest, LoginsOfAnOperatorGoBeforeDockers) {
  folder_.write("config.json", kMine);
  folder_.write("password", "of a file\nand more\n");
  folder_.write("empty", "\n");
  DockerCredentials docker(folder_.path("config.json"), runner_);
  FileCredentials logins({{"own.example", "ali", folder_.path("password")},
                          {"empty.example", "ali", folder_.path("empty")},
                          {"gone.example", "ali", folder_.path("gone")}},
                         docker);
  EXPECT_EQ(**logins.find("own.example"), (Credential{"ali", "of a file", {}}));
  EXPECT_EQ((**logins.find("r.example")).user, "me");
  EXPECT_EQ(logins.find("empty.example").error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(logins.find("gone.example").error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace nimbus::oci
