#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "oci/authorizer.h"
#include "oci/registry.h"
#include "oci/test_registry.h"

namespace nimbus::oci {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

class RegistryAuthTest : public RegistryTest {
 protected:
  void SetUp() override {
    RegistryTest::SetUp();
    registry_->addArtifact("1", "the layer");
  }
  Task<Result<Registry::FetchedManifest>> fetch(Access access = Access::kPull) {
    Registry registry(environment(), options_, reference(), access);
    co_return co_await registry.fetchManifest("1");
  }
  Task<Error> fetchError() {
    const auto fetched = co_await fetch();
    EXPECT_FALSE(fetched);
    co_return fetched ? Error(ErrorCode::kInternal, "no error") : fetched.error();
  }
  void wantToken() { registry_->token_realm = "http://" + registry_->authority() + "/token"; }
};

TEST_F(RegistryAuthTest, KnowsUsersFromTheSourceOfCredentials) {
  registry_->basic = "me:secret";
  credentials_.credential = {"me", "secret", {}};
  run([&](net::Shard&) -> Task<void> { EXPECT_TRUE(co_await fetch()); });
  EXPECT_THAT(credentials_.asked, ElementsAre(registry_->authority()));
  EXPECT_EQ(registry_->seen[0].authorization, "") << "nobody is named before it is asked for";
}

TEST_F(RegistryAuthTest, TheUserThatWasGivenGoesFirst) {
  registry_->basic = "you:other";
  credentials_.credential = {"me", "secret", {}};
  options_.credential = {"you", "other", {}};
  run([&](net::Shard&) -> Task<void> { EXPECT_TRUE(co_await fetch()); });
  EXPECT_TRUE(credentials_.asked.empty());
}

TEST_F(RegistryAuthTest, WithoutAUserItSaysWhatToDo) {
  registry_->basic = "me:secret";
  run([&](net::Shard&) -> Task<void> {
    const Error error = co_await fetchError();
    EXPECT_EQ(error.code(), ErrorCode::kPermissionDenied);
    EXPECT_THAT(error.message(), HasSubstr("docker login " + registry_->authority()));
  });
}

TEST_F(RegistryAuthTest, AWrongPasswordIsTriedOnceAndNotPrinted) {
  registry_->basic = "me:secret";
  options_.credential = {"me", "pa55word", {}};
  run([&](net::Shard&) -> Task<void> {
    const Error error = co_await fetchError();
    EXPECT_EQ(error.code(), ErrorCode::kPermissionDenied);
    EXPECT_THAT(error.describe(),
                AllOf(HasSubstr("UNAUTHORIZED: who are you?"), Not(HasSubstr("pa55word"))));
  });
  EXPECT_EQ(registry_->seen.size(), 2);
}

TEST_F(RegistryAuthTest, AnybodyGetsATokenWhereThatIsAllowed) {
  wantToken();
  run([&](net::Shard&) -> Task<void> { EXPECT_TRUE(co_await fetch()); });
  EXPECT_EQ(registry_->seen[1].line, "GET /token?service=fake&scope=repository%3Aapp%2Fweb%3Apull");
  EXPECT_EQ(registry_->seen[1].authorization, "");
  EXPECT_EQ(registry_->seen[2].authorization, "Bearer sesame");
}

TEST_F(RegistryAuthTest, ATokenIsAskedForInTheNameOfTheUserForAllThatIsNeeded) {
  wantToken();
  registry_->token_basic = "me:secret";
  credentials_.credential = {"me", "secret", {}};
  run([&](net::Shard&) -> Task<void> { EXPECT_TRUE(co_await fetch(Access::kPush)); });
  EXPECT_THAT(registry_->seen[1].line, HasSubstr("%3Apull%2Cpush"));
}

TEST_F(RegistryAuthTest, ATokenIsUsedForTheNextRequestsToo) {
  wantToken();
  run([&](net::Shard&) -> Task<void> {
    Registry registry(environment(), options_, reference(), Access::kPull);
    EXPECT_TRUE(co_await registry.fetchManifest("1"));
    EXPECT_TRUE(co_await registry.fetchManifest("1"));
  });
  EXPECT_EQ(registry_->count("GET /token"), 1);
  EXPECT_EQ(registry_->seen.size(), 4);
}

TEST_F(RegistryAuthTest, AnIdentityTokenIsExchangedForAToken) {
  wantToken();
  credentials_.credential = {{}, {}, "id token"};
  run([&](net::Shard&) -> Task<void> { EXPECT_TRUE(co_await fetch()); });
  EXPECT_EQ(registry_->seen[1].line, "POST /token");
  EXPECT_EQ(registry_->seen[1].content,
            "grant_type=refresh_token&service=fake&scope=repository%3Aapp%2Fweb%3Apull&"
            "client_id=wash&refresh_token=id%20token");
}

TEST_F(RegistryAuthTest, ATokenServerThatRefusesIsNamed) {
  wantToken();
  registry_->token_basic = "me:secret";
  run([&](net::Shard&) -> Task<void> {
    const Error error = co_await fetchError();
    EXPECT_EQ(error.code(), ErrorCode::kPermissionDenied);
    EXPECT_THAT(error.message(), HasSubstr("the token server " + registry_->token_realm));
  });
}

TEST_F(RegistryAuthTest, ATokenThatIsNotTakenIsNotTriedForEver) {
  wantToken();
  registry_->script = {{"/token", 200, {}, R"({"token":"wrong"})"}};
  run([&](net::Shard&) -> Task<void> {
    EXPECT_EQ((co_await fetchError()).code(), ErrorCode::kPermissionDenied);
  });
  EXPECT_EQ(registry_->seen.size(), 3);
}

TEST_F(RegistryAuthTest, AnAnswerWithoutEndIsNoToken) {
  wantToken();
  options_.retry.attempts = 1;
  registry_->script = {{"/token", 200, {}, std::string(9000, ' '), ScriptedAnswer::End::kNever}};
  run([&](net::Shard&) -> Task<void> {
    EXPECT_EQ((co_await fetchError()).code(), ErrorCode::kResourceExhausted);
  });
}

TEST_F(RegistryAuthTest, SecretsOfATlsRegistryDoNotGoToAPlainTokenServer) {
  options_.insecure = false;
  options_.credential = {"me", "secret", {}};
  run([&](net::Shard&) -> Task<void> {
    const Reference at = reference();
    Authorizer authorizer(environment(), options_, at, Access::kPull);
    http::ResponseHead head;
    head.headers.add("www-authenticate",
                     "Bearer realm=\"http://" + registry_->authority() + "/token\"");
    const auto met = co_await authorizer.meet(head);
    EXPECT_FALSE(met);
    if (!met) {
      EXPECT_EQ(met.error().error.code(), ErrorCode::kProtocol);
    }
    EXPECT_EQ(authorizer.field(), "");
  });
  EXPECT_TRUE(registry_->seen.empty());
}

class RegistryRedirectTest : public RegistryAuthTest {
 protected:
  void SetUp() override {
    RegistryAuthTest::SetUp();
    group_->runOn(0,
                  [this](net::Shard& shard) { storage_ = std::make_unique<FakeRegistry>(shard); });
    digest_ = storage_->addBlob("the layer");
  }
  void TearDown() override {
    group_->runOn(0, [this](net::Shard&) { storage_.reset(); });
    RegistryAuthTest::TearDown();
  }
  Task<Result<void>> fetchBlob(MemorySink* sink) {
    Registry registry(environment(), options_, reference(), Access::kPull);
    co_return co_await registry.fetchBlob({{}, *Digest::parse(digest_), 9}, sink, nullptr);
  }
  ScriptedAnswer redirection(const std::string& location) {
    return {"/blobs/", 307, {{"location", location}}};
  }

  std::unique_ptr<FakeRegistry> storage_;
  std::string digest_;
};

TEST_F(RegistryRedirectTest, AnotherHostDoesNotSeeWhoAsks) {
  registry_->basic = "me:secret";
  options_.credential = {"me", "secret", {}};
  registry_->script = {};
  run([&](net::Shard&) -> Task<void> {
    Registry registry(environment(), options_, reference(), Access::kPull);
    EXPECT_TRUE(co_await registry.fetchManifest("1"));
    registry_->script = {
        redirection("http://" + storage_->authority() + "/x/blobs/" + digest_ + "?signature=s")};
    MemorySink sink(*Digest::parse(digest_));
    const auto fetched =
        co_await registry.fetchBlob({{}, *Digest::parse(digest_), 9}, &sink, nullptr);
    EXPECT_TRUE(fetched) << fetched.error().describe();
    EXPECT_EQ(sink.content, "the layer");
  });
  EXPECT_THAT(registry_->seen.back().authorization, HasSubstr("Basic"));
  EXPECT_EQ(storage_->seen.size(), 1);
  EXPECT_EQ(storage_->seen[0].authorization, "");
}

TEST_F(RegistryRedirectTest, AnotherHostThatWantsAUserIsNotTold) {
  storage_->basic = "me:secret";
  options_.credential = {"me", "secret", {}};
  registry_->script = {redirection("http://" + storage_->authority() + "/x/blobs/" + digest_)};
  run([&](net::Shard&) -> Task<void> {
    MemorySink sink(*Digest::parse(digest_));
    const auto fetched = co_await fetchBlob(&sink);
    EXPECT_FALSE(fetched);
    if (!fetched) {
      EXPECT_THAT(fetched.error().message(), HasSubstr(storage_->authority()));
    }
  });
  EXPECT_EQ(storage_->seen.size(), 1);
}

TEST_F(RegistryRedirectTest, CirclesAreLeft) {
  for (int i = 0; i < 20; ++i)
    registry_->script.push_back(redirection("/v2/app/web/blobs/" + digest_));
  run([&](net::Shard&) -> Task<void> {
    MemorySink sink(*Digest::parse(digest_));
    const auto fetched = co_await fetchBlob(&sink);
    EXPECT_FALSE(fetched);
    if (!fetched) {
      EXPECT_EQ(fetched.error().code(), ErrorCode::kProtocol);
    }
  });
  EXPECT_EQ(registry_->seen.size(), 6);
}

TEST_F(RegistryRedirectTest, NowhereIsNoAddress) {
  for (const std::string& where : {std::string("ftp://x/"), std::string("x")}) {
    registry_->script = {redirection(where)};
    run([&](net::Shard&) -> Task<void> {
      MemorySink sink(*Digest::parse(digest_));
      const auto fetched = co_await fetchBlob(&sink);
      EXPECT_FALSE(fetched);
      if (!fetched) {
        EXPECT_EQ(fetched.error().code(), ErrorCode::kProtocol);
      }
    });
  }
}

}  // namespace
}  // namespace nimbus::oci
