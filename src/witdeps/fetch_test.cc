#include "witdeps/fetch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "witdeps/lock_file.h"
#include "witdeps/test_transport.h"

namespace nimbus::witdeps {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view kIo =
    "package acme:io@0.1.0;\ninterface streams { type line = string; }\n"
    "interface other { f: func(); }\n";
constexpr std::string_view kLog =
    "package acme:log@0.2.0;\n"
    "interface sink { use acme:io/streams@0.1.0.{line}; write: func(l: line); }\n";
constexpr std::string_view kNeedsLog =
    "package acme:app@1.0.0;\nworld app { import acme:log/sink@0.2.0; }\n";

// A project whose packages of "acme" come from the registry "reg.example/wit/acme/…".
class FetchTest : public testing::Test {
 protected:
  FetchTest() {
    settings_.sources["acme"] = "oci://reg.example/wit/acme";
    transport_.artifacts["reg.example/wit/acme/log:0.2.0"] =
        encodedText(kLog, {{"deps/io.wit", std::string(kIo)}});
    transport_.artifacts["reg.example/wit/acme/io:0.1.0"] = encodedText(kIo);
    project_.write("wit/world.wit", kNeedsLog);
  }

  FetchRequest request() {
    return {.project = project_.path(), .settings = settings_, .registries = registries_};
  }
  Result<FetchOutcome> fetch() { return fetch(request()); }
  Result<FetchOutcome> fetch(const FetchRequest& wanted) {
    transport_.asked.clear();
    TRY(WitFolder folder, WitFolder::read(project_.path("wit")));
    return fetchDependencies(wanted, folder, transport_);
  }
  std::string failure() { return failure(request()); }
  std::string failure(const FetchRequest& wanted) {
    const auto outcome = fetch(wanted);
    return outcome ? "it succeeded" : project_.withoutFolder(outcome.error().describe());
  }

  std::string read(const std::string& name) {
    std::ifstream in(project_.path(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::vector<std::string> deps() {
    std::vector<std::string> names;
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(project_.path("wit/deps"), error))
      names.push_back(entry.path().filename());
    std::ranges::sort(names);
    return names;
  }
  // Nothing of what happens on the way stays.
  void expectNoLeftovers() {
    for (const auto& entry : fs::directory_iterator(project_.path("wit")))
      EXPECT_THAT(entry.path().filename().string(), Not(StartsWith(".")));
  }

  project::TestFolder project_;
  project::WitSettings settings_;
  RegistryMap registries_;
  FakeTransport transport_;
};

TEST_F(FetchTest, BringsAPackageWithWhatItNeeds) {
  const auto outcome = fetch();
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_TRUE(outcome->changed);
  EXPECT_THAT(deps(), ElementsAre("acme-io-0.1.0", "acme-log-0.2.0"));
  EXPECT_THAT(read("wit/deps/acme-log-0.2.0/package.wit"), StartsWith("package acme:log@0.2.0;"));
  const auto lock = LockFile::parse(read("wkg.lock"), "wkg.lock");
  ASSERT_TRUE(lock) << lock.error().describe();
  ASSERT_EQ(lock->packages().size(), 1);
  EXPECT_EQ(lock->packages().front().package.text(), "acme:log@0.2.0");
  EXPECT_EQ(lock->packages().front().registry, "reg.example");
  EXPECT_EQ(lock->packages().front().requirement, "=0.2.0");
  expectNoLeftovers();
}

TEST_F(FetchTest, AsksNobodyWhenAllIsThereAndLocked) {
  ASSERT_TRUE(fetch());
  transport_.cache.clear();
  const auto outcome = fetch();
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_THAT(transport_.asked, IsEmpty());
  EXPECT_FALSE(outcome->changed);
  EXPECT_FALSE(outcome->lock_changed);
}

TEST_F(FetchTest, MakesAWholeOfDepsThatWereLostFromTheCache) {
  ASSERT_TRUE(fetch());
  fs::remove_all(project_.path("wit/deps"));
  ASSERT_TRUE(fetch());
  EXPECT_THAT(transport_.asked, IsEmpty());
  EXPECT_THAT(deps(), ElementsAre("acme-io-0.1.0", "acme-log-0.2.0"));
}

TEST_F(FetchTest, FetchesMoreOfAPackageWhenMoreIsNeeded) {
  ASSERT_TRUE(fetch());
  project_.write("wit/world.wit",
                 "package acme:app@1.0.0;\n"
                 "world app { import acme:log/sink@0.2.0; import acme:io/other@0.1.0; }\n");
  const auto outcome = fetch();
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_THAT(read("wit/deps/acme-io-0.1.0/package.wit"), HasSubstr("interface other"));
  EXPECT_EQ(LockFile::parse(read("wkg.lock"), "wkg.lock")->packages().size(), 2);
}

TEST_F(FetchTest, DropsWhatIsNotNeededAnyMore) {
  ASSERT_TRUE(fetch());
  project_.write("wit/world.wit", "package acme:app@1.0.0;\nworld app {}\n");
  const auto outcome = fetch();
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_TRUE(outcome->changed && outcome->lock_changed);
  EXPECT_FALSE(fs::exists(project_.path("wit/deps")));
  EXPECT_TRUE(LockFile::parse(read("wkg.lock"), "wkg.lock")->empty());
}

TEST_F(FetchTest, LeavesTheProjectsOwnPackagesAlone) {
  project_.write("wit/deps/mylog/log.wit",
                 "package acme:log@0.2.0;\ninterface sink { mine: func(); }\n");
  project_.write("wit/deps/README.md", "words");
  const auto outcome = fetch();
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_THAT(transport_.asked, IsEmpty());
  EXPECT_THAT(deps(), ElementsAre("README.md", "mylog"));
  EXPECT_FALSE(fs::exists(project_.path("wkg.lock")));
}

TEST_F(FetchTest, KeepsTheProjectsOwnBesideWhatIsFetched) {
  project_.write("wit/deps/io.wit", kIo);
  project_.write("wit/deps/notes/README.md", "words");
  ASSERT_TRUE(fetch());
  EXPECT_THAT(deps(), ElementsAre("acme-log-0.2.0", "io.wit", "notes"));
  EXPECT_EQ(read("wit/deps/io.wit"), kIo);
  EXPECT_EQ(read("wit/deps/notes/README.md"), "words");
}

TEST_F(FetchTest, RefusesAnotherDigestThanTheLockFiles) {
  ASSERT_TRUE(fetch());
  transport_.cache.clear();
  transport_.artifacts["reg.example/wit/acme/log:0.2.0"] =
      encodedText("package acme:log@0.2.0;\ninterface sink { other: func(); }\n");
  fs::remove_all(project_.path("wit/deps"));
  const std::string lock = read("wkg.lock");
  EXPECT_THAT(failure(), AllOf(StartsWith("cannot get acme:log@0.2.0, which acme:app@1.0.0 needs: "
                                          "reg.example/wit/acme/log:0.2.0 has the digest sha256:"),
                               HasSubstr("the lock file says"), HasSubstr("wash wit update")));
  EXPECT_EQ(read("wkg.lock"), lock);
  EXPECT_FALSE(fs::exists(project_.path("wit/deps")));
}

TEST_F(FetchTest, TakesANewDigestWhenItIsToldTo) {
  ASSERT_TRUE(fetch());
  const std::string lock = read("wkg.lock");
  transport_.artifacts["reg.example/wit/acme/log:0.2.0"] =
      encodedText("package acme:log@0.2.0;\ninterface sink { other: func(); }\n");
  FetchRequest update = request();
  update.refresh = Refresh::kAll;
  ASSERT_TRUE(fetch(update));
  EXPECT_EQ(read("wkg.lock"), lock) << "what is locked is not asked for again";
  update.forget = *wit::PackageRef::parse("acme:log");
  ASSERT_TRUE(fetch(update));
  EXPECT_THAT(read("wit/deps/acme-log-0.2.0/package.wit"), HasSubstr("other"));
  EXPECT_NE(read("wkg.lock"), lock);
}

TEST_F(FetchTest, NamesThePackageAndTheAnswer) {
  transport_.artifacts.clear();
  EXPECT_EQ(failure(),
            "cannot get acme:log@0.2.0, which acme:app@1.0.0 needs: cannot pull "
            "reg.example/wit/acme/log:0.2.0: 404");
  EXPECT_FALSE(fs::exists(project_.path("wkg.lock")));
}

TEST_F(FetchTest, SaysWhenNothingSaysWhereAPackageIs) {
  settings_.sources.clear();
  EXPECT_THAT(failure(), HasSubstr("nothing says which registry the packages of acme come from"));
}

TEST_F(FetchTest, AsksARegistryWhereItsPackagesAre) {
  settings_.sources.clear();
  ASSERT_TRUE(registries_.addConfig("[namespace_registries]\nacme = \"acme.example\"", "c"));
  transport_.addresses["https://acme.example/.well-known/wasm-pkg/registry.json"] =
      Bytes::copyOf(R"({"oci": {"registry": "reg.example", "namespacePrefix": "wit/"}})");
  ASSERT_TRUE(fetch()) << failure();
  EXPECT_EQ(LockFile::parse(read("wkg.lock"), "wkg.lock")->packages().front().registry,
            "acme.example");
}

TEST_F(FetchTest, ARegistryThatSaysNothingKeepsThemItself) {
  settings_.sources.clear();
  ASSERT_TRUE(registries_.addConfig("default_registry = \"reg.example\"", "c"));
  EXPECT_THAT(failure(), HasSubstr("cannot pull reg.example/acme/log:0.2.0: 404"));
}

TEST_F(FetchTest, PassesOnLogins) {
  ASSERT_TRUE(registries_.addLogins({{"reg.example", "ann", "token"}}));
  ASSERT_TRUE(fetch());
  EXPECT_EQ(transport_.orders.front().login->password, "token");
}

TEST_F(FetchTest, OfflineUsesTheCacheAndNothingElse) {
  FetchRequest offline = request();
  offline.offline = true;
  ASSERT_TRUE(fetch());
  fs::remove_all(project_.path("wit/deps"));
  ASSERT_TRUE(fetch(offline));
  EXPECT_THAT(transport_.asked, IsEmpty());
  settings_.sources["acme:log"] = "git+https://example.com/log#v1";
  EXPECT_THAT(failure(offline), HasSubstr("--offline forbids"));
  EXPECT_THAT(transport_.asked, IsEmpty());
}

TEST_F(FetchTest, RefusesAnotherPackageThanIsWanted) {
  transport_.artifacts["reg.example/wit/acme/log:0.2.0"] = encodedText(kIo);
  EXPECT_THAT(failure(), HasSubstr("is not usable: it is acme:io@0.1.0, not acme:log@0.2.0"));
  transport_.artifacts["reg.example/wit/acme/log:0.2.0"] = *wit::watToWasm("(component)");
  EXPECT_THAT(failure(), HasSubstr("it is a component, not a WIT package"));
  transport_.artifacts["reg.example/wit/acme/log:0.2.0"] = Bytes::copyOf("<html>");
  EXPECT_THAT(failure(), HasSubstr("not a WebAssembly binary"));
}

TEST_F(FetchTest, FollowsAFolderOfThisMachine) {
  settings_.sources = {{"acme", "../shared"}, {"acme:log", "./mylog"}};
  project_.write("mylog/wit/log.wit", kLog);
  project_.write("mylog/wit/deps/io/io.wit", kIo);
  const auto outcome = fetch();
  EXPECT_THAT(deps(), ElementsAre("acme-io-0.1.0", "acme-log-0.2.0")) << failure();
  EXPECT_FALSE(fs::exists(project_.path("wkg.lock")));
  project_.write("mylog/wit/log.wit",
                 "package acme:log@0.2.0;\ninterface sink { changed: func(); }\n");
  ASSERT_TRUE(fetch());
  EXPECT_THAT(read("wit/deps/acme-log-0.2.0/package.wit"), HasSubstr("changed"));
  EXPECT_THAT(deps(), ElementsAre("acme-log-0.2.0"));
}

TEST_F(FetchTest, SaysWhatASourceHasInstead) {
  settings_.sources["acme:log"] = "./mylog";
  project_.write("mylog/log.wit", "package acme:log@0.3.0;\n");
  EXPECT_THAT(failure(), HasSubstr("it is not in ./mylog: it has acme:log@0.3.0"));
}

TEST_F(FetchTest, TakesFilesOfAnAddressAndLocksThem) {
  settings_.sources["acme:log"] = "https://example.com/log.wit";
  settings_.sources["acme:io"] = "https://example.com/io.wasm";
  transport_.addresses["https://example.com/log.wit"] = Bytes::copyOf(kLog);
  transport_.addresses["https://example.com/io.wasm"] = encodedText(kIo);
  ASSERT_TRUE(fetch()) << failure();
  const LockFile lock = *LockFile::parse(read("wkg.lock"), "wkg.lock");
  ASSERT_EQ(lock.sources().size(), 2);
  EXPECT_EQ(lock.sources()[1].digest, oci::Digest::of(asBytes(kLog)).text());
  ASSERT_TRUE(fetch());
  EXPECT_THAT(transport_.asked, IsEmpty());
  fs::remove_all(project_.path("wit/deps"));
  transport_.addresses["https://example.com/log.wit"] = Bytes::copyOf("package acme:log@0.2.0;");
  EXPECT_THAT(failure(), HasSubstr("the lock file says sha256:"));
}

TEST_F(FetchTest, FetchesAgainWhenASourceIsAnother) {
  settings_.sources["acme:log"] = "https://example.com/log.wit";
  transport_.addresses["https://example.com/log.wit"] = Bytes::copyOf(kLog);
  ASSERT_TRUE(fetch()) << failure();
  settings_.sources["acme:log"] = "https://example.com/moved.wit";
  transport_.addresses["https://example.com/moved.wit"] =
      Bytes::copyOf("package acme:log@0.2.0;\ninterface sink { moved: func(); }\n");
  ASSERT_TRUE(fetch()) << failure();
  EXPECT_THAT(read("wit/deps/acme-log-0.2.0/package.wit"), HasSubstr("moved"));
}

TEST_F(FetchTest, ChecksTheDigestOfASource) {
  const std::string digest = "sha256:" + std::string(64, '0');
  settings_.sources["acme:log"] = "https://example.com/log.wit#" + digest;
  transport_.addresses["https://example.com/log.wit"] = Bytes::copyOf(kLog);
  EXPECT_THAT(failure(), HasSubstr("not " + digest));
}

TEST_F(FetchTest, ReadsTheLockFileOfOlderProjects) {
  ASSERT_TRUE(fetch());
  fs::create_directories(project_.path(".wash"));
  fs::rename(project_.path("wkg.lock"), project_.path(".wash/wasmcloud.lock"));
  ASSERT_TRUE(fetch());
  EXPECT_THAT(transport_.asked, IsEmpty());
  EXPECT_TRUE(fs::exists(project_.path("wkg.lock")));
}

TEST_F(FetchTest, WantsALockFileThatCanBeRead) {
  project_.write("wkg.lock", "version = 9\n");
  EXPECT_THAT(failure(), HasSubstr("wkg.lock has the version \"9\""));
}

TEST_F(FetchTest, DoesNotWriteThroughALink) {
  fs::create_directories(project_.path("elsewhere"));
  fs::create_symlink(project_.path("elsewhere"), project_.path("wit/deps"));
  EXPECT_THAT(failure(), HasSubstr("wit/deps is a link"));
  EXPECT_TRUE(fs::is_empty(project_.path("elsewhere")));
}

TEST_F(FetchTest, NeedsNothingWithoutAPackage) {
  fs::remove(project_.path("wit/world.wit"));
  const auto outcome = fetch();
  ASSERT_TRUE(outcome);
  EXPECT_THAT(outcome->packages, IsEmpty());
}

TEST_F(FetchTest, NamesThePlaceOfAnErrorInTheText) {
  project_.write("wit/world.wit", "package acme:app;\nworld {");
  EXPECT_THAT(failure(), StartsWith("world.wit:2:7: "));
}

TEST_F(FetchTest, ReachesOnlyWhatIsNamedWhereItIsToldSo) {
  settings_.sources.clear();
  FetchRequest wanted = request();
  wanted.reach = Reach::kNamed;
  project_.write("wit/world.wit", "package acme:app;\nworld app { import wasi:io/poll@0.2.3; }\n");
  EXPECT_THAT(failure(wanted), AllOf(HasSubstr("cannot get wasi:io@0.2.3, which acme:app needs"),
                                     HasSubstr("run wash wit fetch, which asks wasi.dev")));
  EXPECT_THAT(transport_.asked, IsEmpty());
  // What lies there is good enough, as nobody says that it comes from elsewhere.
  project_.write("wit/deps/wasi-io-0.2.3/package.wit",
                 "package wasi:io@0.2.3;\n\ninterface poll {\n  poll: func();\n}\n");
  ASSERT_TRUE(fetch(wanted));
  EXPECT_THAT(transport_.asked, IsEmpty());
  EXPECT_THAT(deps(), ElementsAre("wasi-io-0.2.3"));
}

TEST_F(FetchTest, WhatIsLockedIsNamed) {
  settings_.sources.clear();
  const std::string text = "package wasi:io@0.2.3;\ninterface poll { poll: func(); }\n";
  project_.write("wit/world.wit", "package acme:app;\nworld app { import wasi:io/poll@0.2.3; }\n");
  transport_.artifacts["wasi.dev/wasi/io:0.2.3"] = encodedText(text);
  ASSERT_TRUE(fetch());
  fs::remove_all(project_.path("wit/deps"));
  transport_.cache.clear();
  FetchRequest wanted = request();
  wanted.reach = Reach::kNamed;
  ASSERT_TRUE(fetch(wanted));
  EXPECT_THAT(transport_.asked, Not(IsEmpty()));
  EXPECT_THAT(deps(), ElementsAre("wasi-io-0.2.3"));
}

TEST_F(FetchTest, WhatTheUserConfiguresForWkgIsNamed) {
  settings_.sources.clear();
  ASSERT_TRUE(registries_.addConfig("[namespace_registries]\nacme = \"own.example\"\n", "f"));
  FetchRequest wanted = request();
  wanted.reach = Reach::kNamed;
  EXPECT_THAT(failure(wanted), HasSubstr("cannot pull own.example/acme/log:0.2.0: 404"));
}

TEST_F(FetchTest, TwoTextsOfOneOwnPackageAreAnErrorWithBothPlaces) {
  project_.write("wit/deps/a/log.wit", "package acme:log@0.2.0; interface sink { f: func(); }");
  project_.write("wit/deps/b/log.wit", "package acme:log@0.2.0; interface sink { g: func(); }");
  EXPECT_THAT(failure(), HasSubstr("acme:log@0.2.0 is in deps/a/log.wit and, with other contents, "
                                   "in deps/b/log.wit"));
  project_.write("wit/deps/b/log.wit", "package acme:log@0.2.0;\ninterface sink { f: func(); }");
  EXPECT_TRUE(fetch());
}

TEST_F(FetchTest, TwoTextsOfOnePackageInASourceAreAnErrorWithBothPlaces) {
  settings_.sources["acme"] = "./shared";
  project_.write("shared/one/log.wit", "package acme:log@0.2.0; interface sink { f: func(); }");
  project_.write("shared/two/log.wit", "package acme:log@0.2.0; interface sink { g: func(); }");
  EXPECT_THAT(failure(), HasSubstr("acme:log@0.2.0 is in one/log.wit and, with other contents, in "
                                   "two/log.wit"));
  // A copy that somebody keeps goes behind the package itself.
  fs::create_directories(project_.path("shared/deps"));
  fs::rename(project_.path("shared/two"), project_.path("shared/deps/two"));
  EXPECT_TRUE(fetch());
}

TEST_F(FetchTest, ACopyThatDiffersFromWhatIsUsedIsNoted) {
  settings_.sources["acme"] = "./shared";
  project_.write("wit/deps/io/io.wit",
                 "package acme:io@0.1.0; interface streams { type line = string; }");
  project_.write("shared/log.wit", kLog);
  project_.write("shared/deps/io.wit",
                 "package acme:io@0.1.0; interface streams { type line = u8; }");
  const auto outcome = fetch();
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_THAT(outcome->notes,
              ElementsAre("interface streams of acme:io@0.1.0 is not the same in deps/io/io.wit, "
                          "which is used, and in deps/io.wit beside acme:log@0.2.0"));
  project_.write("shared/deps/io.wit",
                 "package acme:io@0.1.0; interface streams { type line = string; }");
  EXPECT_THAT(fetch()->notes, IsEmpty());
}

}  // namespace
}  // namespace nimbus::witdeps
