#include "wash/input/resolve_component.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>

#include "base/test_folder.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

const std::string kModule("\0asm\x01\0\0\0", 8);
const std::string kComponent("\0asm\x0d\0\x01\0", 8);

// A project in a temporary folder.
class ResolveComponent : public testing::Test {
 protected:
  void write(const std::string& name, std::string_view content) {
    fs::create_directories((folder_ / name).parent_path());
    std::ofstream(folder_ / name, std::ios::binary) << content;
  }
  void configure(std::string_view yaml) { write(".wash/config.yaml", yaml); }

  [[nodiscard]] Result<ResolvedComponent> resolve(const std::string& name = "") {
    return resolveComponent(name.empty() ? folder_.string() : (folder_ / name).string(),
                            user_file_);
  }
  // The file that was chosen, from the project folder.
  [[nodiscard]] std::string chosen() {
    const Result<ResolvedComponent> result = resolve();
    if (!result) return result.error().message();
    return fs::path(result->path).lexically_relative(folder_).string();
  }
  [[nodiscard]] std::string failure(ErrorCode code, const std::string& name = "") {
    const Result<ResolvedComponent> result = resolve(name);
    if (result) return "it found " + result->path;
    EXPECT_EQ(result.error().code(), code);
    return result.error().message();
  }

  TemporaryFolder temporary_;
  const fs::path folder_ = temporary_.path();
  std::string user_file_;
};

TEST_F(ResolveComponent, ReadsABinary) {
  write("a.wasm", kComponent);
  const Result<ResolvedComponent> result = resolve("a.wasm");
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->bytes.text(), kComponent);
  EXPECT_THAT(result->path, EndsWith("/a.wasm"));
}

TEST_F(ResolveComponent, TranslatesText) {
  write("a.wat", "(component)");
  const Result<ResolvedComponent> result = resolve("a.wat");
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(result->bytes.text(), kComponent);
}

TEST_F(ResolveComponent, SaysWhereTextIsWrong) {
  write("a.wat", "(component\n  (nonsense))");
  EXPECT_THAT(failure(ErrorCode::kInvalidArgument, "a.wat"), HasSubstr("a.wat:2:4"));
}

TEST_F(ResolveComponent, RefusesOtherFiles) {
  write("a.txt", "hello");
  write("empty.wasm", "");
  EXPECT_THAT(failure(ErrorCode::kInvalidArgument, "a.txt"),
              EndsWith("a.txt is not a WebAssembly binary"));
  EXPECT_THAT(failure(ErrorCode::kInvalidArgument, "empty.wasm"),
              EndsWith("empty.wasm is not a WebAssembly binary"));
  EXPECT_THAT(failure(ErrorCode::kNotFound, "missing.wasm"),
              EndsWith("missing.wasm is neither a file nor a project folder"));
}

TEST_F(ResolveComponent, TakesTheConfiguredFile) {
  configure(
      "version: 1\nbuild:\n  command: make\n  component_path: out/x.wasm\ndev:\n  service: true\n");
  write("out/x.wasm", kComponent);
  write("build/other.wasm", kComponent);
  EXPECT_EQ(chosen(), "out/x.wasm");
  EXPECT_TRUE(resolveComponent(folder_.string() + "/", {})) << "with a slash at the end";
}

TEST_F(ResolveComponent, SaysHowToBuildAConfiguredProject) {
  configure("build:\n  command: make all\n  component_path: out/x.wasm\n");
  write("build/other.wasm", kComponent);
  EXPECT_THAT(failure(ErrorCode::kNotFound),
              AllOf(HasSubstr("/out/x.wasm (build.component_path of"),
                    HasSubstr("build it first: wash build " + folder_.string())));
}

TEST_F(ResolveComponent, PrefersWhatTheCommandIsToldToWrite) {
  configure("build:\n  command: make all\n");
  write("build/other.wasm", kComponent);
  const std::string own = folder_.filename().string() + ".wasm";
  write(own, kComponent);
  EXPECT_EQ(chosen(), own);
  configure("build:\n  rust: {custom_command: [make, all]}\n");
  EXPECT_EQ(chosen(), own);
}

TEST_F(ResolveComponent, KnowsTheNameOfTheCurrentFolder) {
  configure("build:\n  command: make all\n");
  write("build/other.wasm", kComponent);
  const std::string own = folder_.filename().string() + ".wasm";
  write(own, kComponent);
  const fs::path before = fs::current_path();
  fs::current_path(folder_);
  const Result<ResolvedComponent> result = resolveComponent(".", {});
  fs::current_path(before);
  ASSERT_TRUE(result) << result.error().message();
  EXPECT_EQ(fs::path(result->path).filename(), own);
}

TEST_F(ResolveComponent, ReadsJsonConfiguration) {
  write(".wash/config.json", R"({"build": {"component_path": "x.bin"}})");
  write("x.bin", kModule);
  EXPECT_EQ(chosen(), "x.bin");
}

TEST_F(ResolveComponent, RefusesAWrongConfiguration) {
  configure("build:\n  component_paht: x.wasm\n");
  EXPECT_THAT(failure(ErrorCode::kInvalidArgument),
              EndsWith("/.wash/config.yaml:2: unknown key \"component_paht\" in build; "
                       "did you mean \"component_path\"?"));
  configure("build:\n  component_path: [x]\n");
  EXPECT_THAT(failure(ErrorCode::kInvalidArgument),
              HasSubstr("config.yaml:2: build.component_path: expected a string"));
  configure("build: make\n");
  EXPECT_THAT(failure(ErrorCode::kInvalidArgument),
              HasSubstr("config.yaml:1: build: expected a map"));
  configure("- build\n");
  EXPECT_THAT(failure(ErrorCode::kInvalidArgument), HasSubstr("the document: expected a map"));
  configure("build: {component_path: a\n");
  EXPECT_THAT(failure(ErrorCode::kInvalidArgument), HasSubstr("/.wash/config.yaml:"));
}

TEST_F(ResolveComponent, FindsTheOnlyResultInTheUsualPlaces) {
  for (const char* place :
       {"target/wasm32-wasip2/release/a.wasm", "target/wasm32-wasip2/debug/a.wasm",
        "target/wasm32-wasip2/small/a.wasm", "build/a.wasm", "dist/a.wasm", "out/a.wasm",
        "a.wasm"}) {
    write(place, kComponent);
    EXPECT_EQ(chosen(), place);
    fs::remove(folder_ / place);
  }
}

TEST_F(ResolveComponent, LooksWithoutAKeyInTheConfigurationToo) {
  configure("build:\n  command: make\n");
  EXPECT_THAT(failure(ErrorCode::kNotFound), AllOf(HasSubstr("no built component in "),
                                                   HasSubstr("; build it first: wash build ")));
  write("dist/a.wasm", kComponent);
  EXPECT_EQ(chosen(), "dist/a.wasm");
}

TEST_F(ResolveComponent, IgnoresCoreModulesOfCargo) {
  write("target/wasm32-unknown-unknown/release/core.wasm", kModule);
  write("target/wasm32-unknown-unknown/debug/core.wasm", kModule);
  EXPECT_THAT(failure(ErrorCode::kNotFound), HasSubstr("no built component in "));
}

TEST_F(ResolveComponent, TakesWhatWasBuiltLast) {
  const fs::path debug = folder_ / "target/wasm32-wasip2/debug/a.wasm";
  const fs::path release = folder_ / "target/wasm32-wasip2/release/a.wasm";
  write("target/wasm32-wasip2/debug/a.wasm", kComponent);
  write("target/wasm32-wasip2/release/a.wasm", kComponent);
  const auto now = fs::last_write_time(release);
  fs::last_write_time(debug, now + std::chrono::seconds(1));
  EXPECT_EQ(chosen(), "target/wasm32-wasip2/debug/a.wasm");
  fs::last_write_time(debug, now - std::chrono::seconds(1));
  EXPECT_EQ(chosen(), "target/wasm32-wasip2/release/a.wasm");
}

TEST_F(ResolveComponent, TakesTheProfileOfTheSettingsWhereBothAreEquallyOld) {
  write("target/wasm32-wasip2/debug/a.wasm", kComponent);
  write("target/wasm32-wasip2/release/a.wasm", kComponent);
  const auto time = fs::last_write_time(folder_ / "target/wasm32-wasip2/debug/a.wasm");
  fs::last_write_time(folder_ / "target/wasm32-wasip2/release/a.wasm", time);
  EXPECT_EQ(chosen(), "target/wasm32-wasip2/release/a.wasm");
  configure("build:\n  rust: {features: [x]}\n");
  EXPECT_EQ(chosen(), "target/wasm32-wasip2/debug/a.wasm");
  configure("build:\n  rust: {release: true}\n");
  EXPECT_EQ(chosen(), "target/wasm32-wasip2/release/a.wasm");
}

TEST_F(ResolveComponent, ReadsTheUsersConfigurationThatIsNamed) {
  write("other.wasm", kComponent);
  write("a.wasm", kComponent);
  write("user/mine.yaml", "build:\n  component_path: other.wasm\n");
  user_file_ = (folder_ / "user/mine.yaml").string();
  EXPECT_EQ(chosen(), "other.wasm");
  user_file_ = (folder_ / "user/none.yaml").string();
  EXPECT_THAT(chosen(), HasSubstr("user/none.yaml"));
}

TEST_F(ResolveComponent, PrefersTheComponentToTheModuleItWasMadeFrom) {
  write("build/core.wasm", kModule);
  EXPECT_EQ(chosen(), "build/core.wasm");
  write("build/hello.wasm", kComponent);
  EXPECT_EQ(chosen(), "build/hello.wasm");
}

TEST_F(ResolveComponent, ListsSeveralResults) {
  write("build/a.wasm", kComponent);
  write("dist/b.wasm", kComponent);
  EXPECT_THAT(failure(ErrorCode::kInvalidArgument),
              AllOf(HasSubstr("has 2 results: "), HasSubstr("/build/a.wasm, "),
                    HasSubstr("/dist/b.wasm; name one of them")));
}

TEST_F(ResolveComponent, ListsAFewOfManyResults) {
  for (char name = 'a'; name < 'k'; ++name)
    write(std::string("build/") + name + ".wasm", kComponent);
  EXPECT_THAT(failure(ErrorCode::kInvalidArgument),
              AllOf(HasSubstr("has 10 results: "), HasSubstr("/build/e.wasm, and 5 more; name")));
}

TEST_F(ResolveComponent, SaysWhatToDoInAnEmptyFolder) {
  EXPECT_THAT(failure(ErrorCode::kNotFound),
              AllOf(StartsWith("no built component in " + folder_.string()),
                    HasSubstr("build it first: wash build ")));
}

}  // namespace
}  // namespace nimbus::wash
