#include "plugin/plugin_store.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <functional>

#include "plugin/hook_runner.h"
#include "plugin/info_json.h"
#include "plugin/plugin_folders.h"
#include "plugin/test_support.h"

namespace nimbus::plugin {
namespace {

namespace fs = std::filesystem;
using Texts = std::vector<std::string>;

class PluginStoreTest : public ::testing::Test {
 protected:
  Result<InstalledPlugin> install(PluginInfo info, const std::string& wasm = "wasm",
                                  PluginStore::Existing existing = PluginStore::Existing::kRefuse) {
    return store_.install({.wasm = Bytes::copyOf(std::string_view(wasm)),
                           .info = std::move(info),
                           .source = "here",
                           .existing = existing,
                           .reserved = reserved_});
  }
  [[nodiscard]] Texts names() const {
    Texts all;
    for (const auto& each : store_.list().plugins) all.push_back(each.plugin.name());
    return all;
  }
  [[nodiscard]] std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(store_.folder()), fs::directory_iterator()));
  }
  static ErrorCode codeOf(const auto& result) {
    return result ? ErrorCode::kInternal : result.error().code();
  }

  TemporaryFolder folder_;
  PluginStore store_{folder_.path("plugins")};
  const Texts reserved_{"build", "inspect"};
};

TEST_F(PluginStoreTest, KeepsPluginsInTheOrderOfTheirNames) {
  EXPECT_TRUE(names().empty());
  ASSERT_TRUE(install(infoNamed("b")));
  ASSERT_TRUE(install(infoNamed("a")));
  EXPECT_EQ(names(), (Texts{"a", "b"}));
  const auto found = store_.find("b");
  ASSERT_TRUE(found) << found.error().describe();
  EXPECT_EQ(found->source, "here");
  EXPECT_TRUE(fs::exists(found->plugin.wasm_path));
}

TEST_F(PluginStoreTest, ReplacesOnlyIfItIsTold) {
  ASSERT_TRUE(install(infoNamed("a"), "one"));
  EXPECT_EQ(codeOf(install(infoNamed("a"), "two")), ErrorCode::kAlreadyExists);
  const std::size_t before = files();
  ASSERT_TRUE(install(infoNamed("a"), "two", PluginStore::Existing::kReplace));
  EXPECT_EQ(files(), before);
}

TEST_F(PluginStoreTest, RefusesNamesThatAreTaken) {
  PluginInfo hello = infoNamed("greeter");
  hello.metadata.command = commandNamed("hello");
  hello.command_word = "hello";
  ASSERT_TRUE(install(hello));
  EXPECT_EQ(codeOf(install(infoNamed("Build"))), ErrorCode::kAlreadyExists);
  EXPECT_EQ(codeOf(install(infoNamed("HELLO"))), ErrorCode::kAlreadyExists);
  EXPECT_EQ(codeOf(install(infoNamed("Greeter"))), ErrorCode::kAlreadyExists);
  PluginInfo other = infoNamed("other");
  other.metadata.command = commandNamed("inspect");
  other.command_word = "Inspect";
  EXPECT_EQ(codeOf(install(other)), ErrorCode::kAlreadyExists);
  // Both would be the same file.
  ASSERT_TRUE(install(infoNamed("a.b")));
  EXPECT_EQ(codeOf(install(infoNamed("a_b"))), ErrorCode::kAlreadyExists);
}

TEST_F(PluginStoreTest, RemovesAPluginWithWhatItWrote) {
  const auto installed = install(infoNamed("a"));
  ASSERT_TRUE(installed);
  fs::create_directories(installed->plugin.scratch_folder + "/deep");
  std::ofstream(installed->plugin.config_path) << "{}";
  // A link in it is removed, not what it leads to.
  std::ofstream(folder_.path("outside")) << "x";
  fs::create_symlink(folder_.path("outside"), installed->plugin.scratch_folder + "/link");
  ASSERT_TRUE(store_.uninstall("a", PluginStore::Data::kRemove));
  EXPECT_TRUE(names().empty());
  EXPECT_FALSE(fs::exists(installed->plugin.scratch_folder));
  EXPECT_FALSE(fs::exists(installed->plugin.config_path));
  EXPECT_TRUE(fs::exists(folder_.path("outside")));
  EXPECT_EQ(codeOf(store_.uninstall("a", PluginStore::Data::kRemove)), ErrorCode::kNotFound);
}

TEST_F(PluginStoreTest, RemovesTheLinkThatStandsInPlaceOfAFolder) {
  const auto installed = install(infoNamed("a"));
  ASSERT_TRUE(installed);
  fs::create_directories(folder_.path("moved"));
  std::ofstream(folder_.path("moved/file")) << "x";
  std::ofstream(installed->plugin.config_path) << "{}";
  const fs::path link = installed->plugin.scratch_folder;
  fs::create_directories(link.parent_path());
  fs::create_directory_symlink(folder_.path("moved"), link);
  const auto removed = store_.uninstall("a", PluginStore::Data::kRemove);
  EXPECT_TRUE(removed) << removed.error().describe();
  EXPECT_FALSE(fs::is_symlink(link));
  EXPECT_FALSE(fs::exists(installed->plugin.config_path));
  EXPECT_TRUE(fs::exists(folder_.path("moved/file")));
}

TEST_F(PluginStoreTest, AFolderThatIsHeldOutlastsItsPluginAndNoPluginBehindItSeesIt) {
  const auto installed = install(infoNamed("a"));
  ASSERT_TRUE(installed);
  const std::string& folder = installed->plugin.scratch_folder;
  for (const bool comes_back : {true, false}) {
    fs::create_directories(folder + "/deep");
    auto held = holdFolder(folder);
    ASSERT_TRUE(held) << held.error().describe();
    ASSERT_TRUE(store_.uninstall("a", PluginStore::Data::kRemove));
    store_.clean();
    EXPECT_TRUE(names().empty());
    EXPECT_TRUE(fs::exists(folder + "/deep"));
    if (comes_back) {
      ASSERT_TRUE(install(infoNamed("a")));
    } else {
      *held = UniqueFd();
      store_.clean();
    }
    EXPECT_FALSE(fs::exists(folder));
  }
}

TEST_F(PluginStoreTest, OneThatIsDamagedIsLeftOutAndTheOthersStay) {
  ASSERT_TRUE(install(infoNamed("a")));
  ASSERT_TRUE(install(infoNamed("b")));
  for (const auto& file : fs::directory_iterator(store_.folder())) {
    const std::string name = file.path().filename();
    if (name.starts_with("a-") && name.ends_with(".json")) std::ofstream(file.path()) << "{";
  }
  EXPECT_EQ(names(), Texts{"b"});
  EXPECT_EQ(store_.list().problems.size(), 1);
  std::ofstream(folder_.path("plugins/plugins.lock")) << "[]";
  EXPECT_TRUE(names().empty());
  EXPECT_EQ(store_.list().problems.size(), 1);
}

TEST_F(PluginStoreTest, ALostOrDamagedLockFileIsMadeAgainOfWhatIsThere) {
  ASSERT_TRUE(install(infoNamed("a")));
  ASSERT_TRUE(install(infoNamed("b.c"), "other"));
  ASSERT_TRUE(install(infoNamed("forged")));
  std::ofstream(store_.find("forged")->plugin.wasm_path) << "else";
  const std::vector<std::function<void()>> accidents{
      [&] { fs::remove(store_.lockFile()); }, [&] { fs::resize_file(store_.lockFile(), 0); },
      [&] { std::ofstream(store_.lockFile()) << R"({"version":1,"plugins":[{"name":"../x"}]})"; }};
  for (const auto& happens : accidents) {
    happens();
    EXPECT_TRUE(names().empty());
    ASSERT_EQ(store_.list().problems.size(), 1);
    EXPECT_TRUE(store_.list().problems[0].reason.contains("wash plugin repair"));
    EXPECT_FALSE(install(infoNamed("d")));
    EXPECT_FALSE(store_.uninstall("a", PluginStore::Data::kKeep));
    const auto repaired = store_.repair();
    ASSERT_TRUE(repaired) << repaired.error().describe();
    EXPECT_EQ(names(), (Texts{"a", "b.c"}));
    ASSERT_EQ(repaired->left_out.size(), 1);
    EXPECT_TRUE(repaired->left_out[0].file.starts_with("forged-"));
    EXPECT_TRUE(store_.list().problems.empty());
  }
  EXPECT_TRUE(fs::exists(folder_.path("plugins/plugins.lock.damaged")));
  ASSERT_TRUE(install(infoNamed("d")));
}

// As a process leaves it that is killed while it installs: all files but the lock file's word.
class HalfInstalled : public PluginStoreTest {
 protected:
  void leave(const std::string& name) {
    const std::string lock = folder_.read("plugins/plugins.lock");
    ASSERT_TRUE(install(infoNamed(name), "left"));
    std::ofstream(store_.lockFile(), std::ios::trunc) << lock;
    std::ofstream(folder_.path("plugins/" + name + "-0123456789abcdef.wasm.tmp")) << "half";
    std::ofstream(folder_.path("plugins/grants.json.tmp")) << "{";
  }
};

TEST_F(HalfInstalled, GoesWithTheNextChange) {
  ASSERT_TRUE(install(infoNamed("a")));
  ASSERT_TRUE(install(infoNamed("b")));
  std::ofstream(folder_.path("plugins/kept.config.json")) << "{}";
  const std::size_t before = files();
  leave("left");
  EXPECT_EQ(files(), before + 4);
  ASSERT_TRUE(install(infoNamed("a"), "again", PluginStore::Existing::kReplace));
  EXPECT_EQ(files(), before);
  leave("left");
  ASSERT_TRUE(store_.uninstall("b", PluginStore::Data::kRemove));
  EXPECT_EQ(files(), before - 2);
  fs::remove(store_.lockFile());
  ASSERT_TRUE(store_.repair());
  EXPECT_EQ(names(), Texts{"a"});
  EXPECT_TRUE(fs::exists(folder_.path("plugins/kept.config.json")));
}

TEST_F(HalfInstalled, StaysWhileTheListCanBeMadeOfItOnly) {
  ASSERT_TRUE(install(infoNamed("a")));
  leave("left");
  std::ofstream(store_.lockFile(), std::ios::trunc) << "[]";
  EXPECT_FALSE(install(infoNamed("b")));
  EXPECT_FALSE(store_.uninstall("a", PluginStore::Data::kRemove));
  ASSERT_TRUE(store_.repair());
  EXPECT_EQ(names(), (Texts{"a", "left"}));
}

TEST_F(HalfInstalled, IsNotTakenForAListThatIsLostIfItWasTheFirst) {
  const auto wanted = install(infoNamed("a"));
  ASSERT_TRUE(wanted);
  fs::remove_all(store_.folder());
  // What is in the way of the binary ends it there.
  fs::create_directories(wanted->plugin.wasm_path + "/in the way");
  fs::permissions(store_.folder(), fs::perms::owner_all);
  EXPECT_FALSE(install(infoNamed("a")));
  EXPECT_EQ(folder_.read("plugins/plugins.lock"), formatLock({}));
}

TEST_F(PluginStoreTest, OfTwoWithOneNameTheNewerOneIsRecovered) {
  const auto old = install(infoNamed("a"), "old");
  ASSERT_TRUE(old);
  fs::copy(store_.folder(), folder_.path("copy"));
  ASSERT_TRUE(install(infoNamed("a"), "new", PluginStore::Existing::kReplace));
  fs::copy(folder_.path("copy"), store_.folder(),
           fs::copy_options::skip_existing | fs::copy_options::recursive);
  fs::last_write_time(old->plugin.wasm_path,
                      fs::file_time_type::clock::now() - std::chrono::hours(1));
  fs::remove(store_.lockFile());
  const auto repaired = store_.repair();
  ASSERT_TRUE(repaired) << repaired.error().describe();
  EXPECT_EQ(names(), Texts{"a"});
  EXPECT_NE(store_.find("a")->plugin.digest, old->plugin.digest);
  ASSERT_EQ(repaired->left_out.size(), 1);
  EXPECT_EQ(repaired->left_out[0].reason, "there is a newer one");
}

TEST_F(PluginStoreTest, RepairLeavesAListThatIsWholeAlone) {
  ASSERT_TRUE(store_.repair());
  EXPECT_FALSE(fs::exists(store_.folder()));
  ASSERT_TRUE(install(infoNamed("a")));
  const auto stamp = fs::last_write_time(store_.lockFile());
  const auto repaired = store_.repair();
  ASSERT_TRUE(repaired);
  EXPECT_EQ(repaired->entries.size(), 1);
  EXPECT_EQ(fs::last_write_time(store_.lockFile()), stamp);
}

TEST_F(PluginStoreTest, OneWithoutItsBinaryIsLeftOutAndKeepsItsName) {
  const auto gone = install(infoNamed("a.b"));
  const auto cut = install(infoNamed("cut"));
  ASSERT_TRUE(gone && cut && install(infoNamed("c")));
  fs::remove(gone->plugin.wasm_path);
  fs::resize_file(cut->plugin.wasm_path, 1);
  EXPECT_EQ(names(), Texts{"c"});
  EXPECT_EQ(store_.list().problems.size(), 2);
  EXPECT_EQ(codeOf(store_.find("a.b")), ErrorCode::kNotFound);
  EXPECT_EQ(codeOf(install(infoNamed("A_B"))), ErrorCode::kAlreadyExists);
  ASSERT_TRUE(install(infoNamed("a.b"), "wasm", PluginStore::Existing::kReplace));
  ASSERT_TRUE(store_.uninstall("cut", PluginStore::Data::kRemove));
  EXPECT_EQ(names(), (Texts{"a.b", "c"}));
  EXPECT_TRUE(store_.list().problems.empty());
}

TEST(PluginInfoTest, IsTheSameFromItsJson) {
  PluginInfo info = infoNamed("all");
  info.metadata.command = commandNamed("all");
  info.command_word = "all";
  types::Flag flag;
  flag.name = "loud";
  flag.short_ = 'l';
  flag.kind = types::ValueKind::kSwitch;
  flag.env = "LOUD";
  info.metadata.command->flags.push_back(flag);
  types::Argument argument;
  argument.name = "what";
  argument.default_ = "that";
  info.metadata.command->arguments.push_back(argument);
  info.metadata.sub_commands.push_back(commandNamed("sub"));
  info.metadata.hooks.push_back({types::Phase::kAfter, "oci *"});
  info.metadata.checks = true;
  info.metadata.dev_register = types::DevRegister{true};
  info.metadata.capabilities.programs.push_back({"docker", {"run", "**"}, "why"});
  info.metadata.capabilities.files.push_back({"/data", types::Access::kWrite, ""});
  info.metadata.capabilities.hosts.push_back({"https://example.com", ""});
  info.interfaces = {"wasi:blobstore/types@0.2.0-draft"};
  info.uses_http = true;
  info.uses_runner = true;
  info.runs_programs = true;
  const auto read = parseInfoJson(infoJson(info));
  ASSERT_TRUE(read) << read.error().describe();
  EXPECT_EQ(*read, info);
  for (const char* text : {"", "[]", "{}", "{\"abi\":\"wasmcloud:wash@0.1.0\"}"})
    EXPECT_FALSE(parseInfoJson(text)) << text;
}

TEST(PluginInfoTest, FilesOfEarlierVersionsDoNotTellWhoRunsPrograms) {
  PluginInfo info = infoNamed("old");
  info.uses_runner = true;
  std::string text = infoJson(info);
  const std::string member = ",\"runs_programs\":false";
  ASSERT_NE(text.find(member), std::string::npos);
  text.erase(text.find(member), member.size());
  const auto read = parseInfoJson(text);
  ASSERT_TRUE(read) << read.error().describe();
  EXPECT_TRUE(read->runs_programs);
}

TEST(PluginInfoTest, OnlyPluginsOfOlderContractsAskForWhatTheyDoNotDeclare) {
  PluginInfo info = infoNamed("a");
  info.uses_http = true;
  info.runs_programs = true;
  EXPECT_TRUE(mayAskFor(info).empty());
  info.abi = Abi::kWasmcloud001;
  EXPECT_EQ(mayAskFor(info), (std::vector<std::string>{"program", "host"}));
}

TEST(PluginInfoTest, NamesThatCannotBeTypedAreRefused) {
  for (const char* name : {"", "-a", "a b", "../a", "a/b", ".a", "a\n"}) {
    EXPECT_FALSE(checkInfo(infoNamed(name))) << name;
  }
  EXPECT_FALSE(checkInfo(infoNamed(std::string(65, 'a'))));
  PluginInfo info = infoNamed("a");
  info.metadata.sub_commands.resize(kMaxCommands + 1, commandNamed("sub"));
  EXPECT_FALSE(checkInfo(info));
  info = infoNamed("a");
  info.metadata.description = std::string(kMaxTextBytes + 1, 'x');
  EXPECT_FALSE(checkInfo(info));
}

TEST(HooksTest, ArePatternsOfCommands) {
  EXPECT_TRUE(matchesCommand("dev", "dev"));
  EXPECT_FALSE(matchesCommand("dev", "devs"));
  EXPECT_TRUE(matchesCommand("*", "oci push"));
  EXPECT_TRUE(matchesCommand("oci *", "oci push"));
  EXPECT_FALSE(matchesCommand("oci *", "oci"));
  EXPECT_FALSE(matchesCommand("oci *", "ocipush"));
  EXPECT_FALSE(matchesCommand("oci push", "oci pull"));
}

}  // namespace
}  // namespace nimbus::plugin
