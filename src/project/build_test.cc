#include "project/build.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <utility>

#include "base/bytes.h"
#include "project/build_test_support.h"
#include "project/built_files.h"
#include "wit/tools.h"

namespace nimbus::project {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

constexpr std::string_view kWorld =
    "package demo:sum;\ninterface adder { add: func(a: u32, b: u32) -> u32; }\n"
    "world sum { export adder; }\n";

std::string wasm(std::string_view wat) {
  const Result<Bytes> bytes = wit::watToWasm(wat);
  EXPECT_TRUE(bytes) << bytes.error().message();
  return bytes ? std::string(bytes->text()) : "";
}

std::string adderModule() {
  return wasm(R"((module (func (export "demo:sum/adder#add") (param i32 i32) (result i32)
    (i32.add (local.get 0) (local.get 1)))))");
}

ProcessOutcome ok(std::string output = {}) {
  return {.exit_status = 0, .output = std::move(output), .error = {}};
}

class BuildProject : public testing::Test {
 protected:
  // Builds with programs that answer so.
  Result<BuildOutcome> build(const BuildRequest& request, FakeRunner::Answer answer) {
    FakeRunner runner(std::move(answer));
    Result<BuildOutcome> outcome = buildProject(request, runner, progress_);
    calls_ = runner.calls;
    environments_ = runner.environments;
    return outcome;
  }
  // A command that writes `content` to a file of the project.
  FakeRunner::Answer writing(std::string file, std::string content) {
    return [this, file = std::move(file), content = std::move(content)](const ProcessSpec&) {
      folder_.write("project/" + file, content);
      return ok();
    };
  }
  BuildRequest commandRequest() const {
    BuildRequest request = folder_.request();
    request.config.build.command = "make it";
    return request;
  }

  BuildFolder folder_;
  RecordedProgress progress_;
  std::vector<std::vector<std::string>> calls_;
  std::vector<std::vector<std::pair<std::string, std::string>>> environments_;
};

TEST_F(BuildProject, RunsTheConfiguredCommandInAShell) {
  BuildRequest request = commandRequest();
  request.config.build.env = {{"COLOUR", "blue"}};
  request.arguments = {"--fast"};
  const auto outcome = build(request, writing("project.wasm", wasm("(component)")));
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_EQ(outcome->component_path, (folder_.project() / "project.wasm").string());
  EXPECT_EQ(outcome->language, "command");
  EXPECT_THAT(calls_, ElementsAre(ElementsAre("sh", "-c", "make it", "sh", "--fast")));
  EXPECT_THAT(environments_.front(),
              AllOf(Contains(Pair("COLOUR", "blue")),
                    Contains(Pair("WASH_COMPONENT_PATH", outcome->component_path))));
}

TEST_F(BuildProject, TheComponentHasTheNameOfAFolderThatIsWrittenWithASlash) {
  const ProjectConfig config = commandRequest().config;
  const std::string folder = folder_.project().string();
  EXPECT_EQ(expectedComponentPath(folder, config), folder + "/project.wasm");
  EXPECT_EQ(expectedComponentPath(folder + "/", config), folder + "/project.wasm");
}

TEST_F(BuildProject, WantsTheFileThatTheCommandWasToldOf) {
  BuildRequest request = commandRequest();
  request.config.build.component_path = "out/x.wasm";
  const auto outcome = build(request, writing("elsewhere.wasm", wasm("(component)")));
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(outcome.error().message(), HasSubstr("build.command has not written"));
  EXPECT_THAT(outcome.error().message(), HasSubstr("project/out/x.wasm"));
}

TEST_F(BuildProject, ReportsTheStatusOfACommandThatFails) {
  const auto outcome = build(commandRequest(), [](const ProcessSpec&) {
    return ProcessOutcome{.exit_status = 3, .output = {}, .error = {}};
  });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::kProgramFailed);
  EXPECT_EQ(outcome.error().message(), "sh failed with status 3");
}

TEST_F(BuildProject, MakesAComponentOfACoreModuleByTheProjectsWorld) {
  folder_.write("project/wit/world.wit", kWorld);
  const auto outcome = build(commandRequest(), writing("project.wasm", adderModule()));
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_THAT(outcome->exports, ElementsAre("demo:sum/adder"));
  EXPECT_GT(outcome->size_bytes, 0U);
}

TEST_F(BuildProject, RefusesACoreModuleOfNoWorld) {
  const auto outcome = build(commandRequest(), writing("project.wasm", adderModule()));
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().describe(),
              AllOf(HasSubstr("is a core module that cannot become a component"),
                    HasSubstr("says nothing of its world")));
}

TEST_F(BuildProject, RefusesWhatIsNoWebAssembly) {
  const auto outcome = build(commandRequest(), writing("project.wasm", "#!/bin/sh\n"));
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message(), HasSubstr("project.wasm is not WebAssembly"));
}

TEST_F(BuildProject, ChecksThatTheExportsOfTheWorldAreThere) {
  folder_.write("project/wit/world.wit", kWorld);
  const auto outcome = build(commandRequest(), writing("project.wasm", wasm("(component)")));
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message(),
              HasSubstr("does not export demo:sum/adder, which world sum of"));
}

TEST_F(BuildProject, SaysWhenTheWorldCannotBeRead) {
  folder_.write("project/wit/world.wit", "package demo:sum; world sum { export other:far/away; }");
  const auto outcome = build(commandRequest(), writing("project.wasm", wasm("(component)")));
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_THAT(progress_.notes, ElementsAre(HasSubstr("exports and imports are not checked")));
}

TEST_F(BuildProject, ChecksTheTypesOfExports) {
  folder_.write("project/wit/world.wit",
                "package demo:sum; world sum { export add: func(a: u32) -> u64; }");
  const std::string module =
      wasm(R"((module (func (export "add") (param i32) (result i32) (local.get 0))))");
  const std::vector<wit::WitFile> other = {
      {"w.wit", "package demo:sum; world sum { export add: func(a: u32) -> u32; }"}};
  const auto component = wit::encodeComponent(asBytes(module), other, {});
  ASSERT_TRUE(component) << component.error().describe();
  const auto outcome =
      build(commandRequest(), writing("project.wasm", std::string(component->text())));
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message(), HasSubstr("exports add with another type than world sum"));
  EXPECT_THAT(outcome.error().message(), HasSubstr("result is u32 instead of u64"));
}

TEST_F(BuildProject, ChecksThatTheWorldHasWhatIsImported) {
  folder_.write("project/wit/world.wit", "package demo:sum; world sum {}");
  const auto outcome =
      build(commandRequest(),
            writing("project.wasm", wasm(R"((component (import "other:far/away" (instance))))")));
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message(), HasSubstr("imports other:far/away, which world sum of"));
}

TEST_F(BuildProject, UsesTheWorldThatIsConfigured) {
  folder_.write("project/wit/world.wit",
                std::string(kWorld) + "world other { export run: func(); }");
  BuildRequest request = commandRequest();
  const auto several = build(request, writing("project.wasm", adderModule()));
  ASSERT_FALSE(several);
  request.config.build.world = "sum";
  const auto outcome = build(request, writing("project.wasm", adderModule()));
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_THAT(outcome->exports, ElementsAre("demo:sum/adder"));
  request.config.build.world = "product";
  const auto unknown = build(request, writing("project.wasm", wasm("(component)")));
  ASSERT_FALSE(unknown);
  EXPECT_THAT(unknown.error().message(),
              HasSubstr("package demo:sum has no world product; there is sum, other"));
}

TEST_F(BuildProject, FetchesDependenciesUnlessToldNotTo) {
  folder_.write("project/wit/world.wit", "package demo:sum; world sum {}");
  int fetched = 0;
  BuildRequest request = commandRequest();
  request.fetch_wit = [&](const BuildRequest&) {
    ++fetched;
    return Result<void>();
  };
  ASSERT_TRUE(build(request, writing("project.wasm", wasm("(component)"))));
  EXPECT_EQ(fetched, 1);
  request.config.wit.skip_fetch = true;
  ASSERT_TRUE(build(request, writing("project.wasm", wasm("(component)"))));
  EXPECT_EQ(fetched, 1);
}

// A package that a cargo with the target wasm32-wasip2 builds.
class BuildRust : public BuildProject {
 protected:
  BuildRust() {
    folder_.write("project/Cargo.toml", "");
    folder_.write("sysroot/lib/rustlib/wasm32-wasip2/lib/libstd.rlib", "");
    folder_.program("cargo");
    folder_.program("rustc");
  }
  // The folder that cargo uses by the arguments that it got.
  static std::string profileOf(const ProcessSpec& spec) {
    const auto found = std::ranges::find(spec.arguments, "--release");
    return found == spec.arguments.end() ? "debug" : "release";
  }
  [[nodiscard]] fs::path artifact(const std::string& profile) const {
    return folder_.project() / "target/wasm32-wasip2" / profile / "hello.wasm";
  }
  // Cargo as it is: a file that is there already is up to date, and stays as it was.
  Result<BuildOutcome> buildHello(const BuildRequest& request) {
    return build(request, [&](const ProcessSpec& spec) -> Result<ProcessOutcome> {
      if (spec.arguments.back() == "sysroot") return ok((folder_.root() / "sysroot").string());
      const fs::path file = artifact(profileOf(spec));
      if (!fs::exists(file)) {
        folder_.write(file.lexically_relative(folder_.root()).string(), wasm("(component)"));
      }
      return ok(
          "not JSON\n"
          R"({"reason":"compiler-artifact","manifest_path":"/elsewhere/Cargo.toml",)"
          R"("filenames":["/elsewhere/libdep.rlib"]})"
          "\n"
          R"({"reason":"compiler-artifact","manifest_path":")" +
          (folder_.project() / "Cargo.toml").string() + R"(","filenames":[")" + file.string() +
          "\"]}\n");
    });
  }
  // As if it had been built so long ago.
  void age(const fs::path& file, std::chrono::seconds seconds) const {
    fs::last_write_time(file, fs::last_write_time(file) - seconds);
  }
};

TEST_F(BuildRust, FindsTheArtifactThatCargoNames) {
  BuildRequest request = folder_.request();
  request.arguments = {"--locked"};
  const auto outcome = buildHello(request);
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_EQ(outcome->component_path, artifact("release"));
  EXPECT_EQ(outcome->language, "rust");
  EXPECT_THAT(calls_.back(),
              AllOf(Contains("--release"), Contains("--locked"), Contains("wasm32-wasip2")));
  EXPECT_EQ(progress_.text, "");  // what cargo writes for us is not shown
}

TEST_F(BuildRust, LeavesTheResultWhereItIsFoundAgain) {
  BuildRequest as_configured = folder_.request();
  as_configured.config.build.rust.emplace();
  BuildRequest release = as_configured;
  release.profile = BuildProfile::kRelease;
  for (const auto& [request, profile] :
       {std::pair(as_configured, "debug"), std::pair(release, "release")}) {
    const auto outcome = buildHello(request);
    ASSERT_TRUE(outcome) << outcome.error().describe();
    EXPECT_EQ(outcome->component_path, artifact(profile));
    for (const BuildProfile wanted : {BuildProfile::kDebug, BuildProfile::kRelease})
      EXPECT_THAT(findBuiltFiles(folder_.project(), wanted), ElementsAre(artifact(profile)));
    age(artifact(profile), std::chrono::seconds(10));
  }
}

TEST_F(BuildRust, OfAnotherProfileTakesThePlaceOfALaterBuildThoughNothingHadToBeDone) {
  BuildRequest debug = folder_.request();
  debug.profile = BuildProfile::kDebug;
  ASSERT_TRUE(buildHello(folder_.request()));
  age(artifact("release"), std::chrono::seconds(10));
  ASSERT_TRUE(buildHello(debug));
  const auto latest = [&] { return findBuiltFiles(folder_.project(), BuildProfile::kRelease); };
  EXPECT_THAT(latest(), ElementsAre(artifact("debug")));
  ASSERT_TRUE(buildHello(folder_.request()));
  EXPECT_THAT(latest(), ElementsAre(artifact("release")));
}

TEST_F(BuildProject, CopiesWhatAToolLeavesWhereNobodyLooks) {
  folder_.write("project/Hello.csproj", "");
  folder_.program("dotnet");
  const auto outcome =
      build(folder_.request(),
            writing("bin/Release/net10.0/wasi-wasm/native/Hello.wasm", wasm("(component)")));
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_EQ(outcome->component_path, (folder_.project() / "build/project.wasm").string());
  EXPECT_THAT(calls_.back(), testing::IsSupersetOf({"build", "-c", "Release"}));
}

TEST_F(BuildProject, PutsAComponentWhereItIsConfigured) {
  folder_.write("project/pyproject.toml", "");
  folder_.write("project/app.py", "");
  folder_.write("project/wit/world.wit", kWorld);
  folder_.program("componentize-py");
  BuildRequest request = folder_.request();
  request.config.build.component_path = "out/app.wasm";
  const auto outcome = build(request, writing("out/app.wasm", adderModule()));
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_EQ(outcome->component_path, (folder_.project() / "out/app.wasm").string());
  EXPECT_THAT(calls_.back(), AllOf(Contains("componentize"), Contains("sum"), Contains("app")));
}

TEST_F(BuildProject, SaysHowToGetAToolThatIsMissing) {
  folder_.write("project/pyproject.toml", "");
  const auto outcome = build(folder_.request(), [](const ProcessSpec&) { return ok(); });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(outcome.error().message(),
              HasSubstr(".venv/bin/pip install componentize-py==0.25.1"));
}

TEST_F(BuildProject, InstallsPackagesOnceAndUsesTheProjectsManager) {
  folder_.write("project/package.json", R"({"scripts": {"build": "x"}})");
  folder_.write("project/pnpm-lock.yaml", "");
  folder_.program("node");
  const std::string pnpm = folder_.program("pnpm");
  const auto first = build(folder_.request(), writing("dist/app.wasm", wasm("(component)")));
  ASSERT_TRUE(first) << first.error().describe();
  EXPECT_EQ(first->component_path, (folder_.project() / "dist/app.wasm").string());
  EXPECT_THAT(calls_, ElementsAre(ElementsAre(pnpm, "install"), ElementsAre(pnpm, "run", "build")));
  folder_.write("project/node_modules/x", "");
  ASSERT_TRUE(build(folder_.request(), writing("dist/app.wasm", wasm("(component)"))));
  EXPECT_THAT(calls_, ElementsAre(ElementsAre(pnpm, "run", "build")));
}

TEST_F(BuildProject, RefusesANodeThatIsNotTheOneConfigured) {
  folder_.write("project/package.json", R"({"scripts": {"build": "x"}})");
  folder_.program("node");
  folder_.program("npm");
  BuildRequest request = folder_.request();
  request.config.build.typescript.emplace().node_version = "22";
  const auto says20 = [](const ProcessSpec&) { return ok("v20.11.0"); };
  const auto other = build(request, says20);
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error().message(),
              HasSubstr("node is 20.11.0, and build.typescript.node_version asks for 22"));
  request.config.build.typescript->node_version = "new";
  EXPECT_EQ(build(request, says20).error().code(), ErrorCode::kInvalidArgument);
  request.config.build.typescript->node_version = ">=20";
  request.config.build.typescript->source_maps = true;
  EXPECT_THAT(build(request, says20).error().message(),
              HasSubstr("build.typescript.source_maps is not supported"));
}

TEST_F(BuildProject, ForGoGeneratesBindingsAndBuildsALibrary) {
  folder_.write("project/go.mod", "module x\n");
  folder_.write("project/wit/world.wit", kWorld);
  const std::string go = folder_.program("go");
  BuildRequest request = folder_.request();
  request.wash = "/opt/nimbus/wash";
  const auto outcome = build(request, [&](const ProcessSpec& spec) {
    if (spec.arguments[1] == "env") return ok("go1.26.8\n");
    if (spec.arguments[1] == "build") {
      folder_.write("project/build/project.core.wasm", adderModule());
    }
    return ok();
  });
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_EQ(outcome->component_path, (folder_.project() / "build/project.wasm").string());
  EXPECT_THAT(calls_[1], ElementsAre(go, "generate", "./..."));
  EXPECT_THAT(environments_[1],
              Contains(Pair("PATH", testing::StartsWith("/opt/nimbus:" + folder_.bin().string()))));
  EXPECT_THAT(calls_[2], Contains("-buildmode=c-shared"));
  EXPECT_THAT(environments_[2], Contains(Pair("GOOS", "wasip1")));
}

TEST_F(BuildProject, RefusesAGoThatCannotExportFunctions) {
  folder_.write("project/go.mod", "module x\n");
  folder_.program("go");
  const auto outcome =
      build(folder_.request(), [](const ProcessSpec&) { return ok("go1.22.1\n"); });
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message(), HasSubstr("is go1.22.1, and components need Go 1.24"));
}

TEST_F(BuildProject, ConfiguresCMakeForWasi) {
  folder_.write("project/CMakeLists.txt", "");
  const std::string clang = folder_.program("clang-22");
  folder_.program("cmake");
  folder_.write("libc.a", "");
  const auto outcome = build(folder_.request(), [&](const ProcessSpec& spec) {
    if (spec.arguments.back().starts_with("-print"))
      return ok((folder_.root() / "libc.a").string());
    folder_.write("project/build/cmake/CMakeFiles/probe.wasm", wasm("(module)"));
    folder_.write("project/build/cmake/app.wasm", wasm("(component)"));
    return ok();
  });
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_EQ(outcome->component_path, (folder_.project() / "build/project.wasm").string());
  const auto configure = std::ranges::find_if(
      calls_, [](const auto& call) { return std::ranges::find(call, "-S") != call.end(); });
  ASSERT_NE(configure, calls_.end());
  EXPECT_THAT(*configure, AllOf(Contains("-DCMAKE_C_COMPILER=" + clang),
                                Contains("-DCMAKE_BUILD_TYPE=MinSizeRel")));
}

// A project whose CMake makes the program `shop`, with all that it needs beside PATH.
class BuildProvider : public BuildProject {
 protected:
  BuildProvider() {
    folder_.write("project/CMakeLists.txt", "project(shop)\nfind_package(nimbus REQUIRED)\n");
    folder_.write("lib/cmake/nimbus/nimbus-config.cmake", "");
    request_.config.build.env = {{"CXX", ""}, {"CMAKE_PREFIX_PATH", ""}};
    request_.program_is_welcome = true;
    cmake_ = folder_.program("cmake");
    compiler_ = folder_.program("clang++-22");
  }
  Result<BuildOutcome> buildShop() {
    return build(request_, [this](const ProcessSpec&) {
      folder_.write("project/build/CMakeCache.txt", "//x\nCMAKE_PROJECT_NAME:STATIC=shop\n");
      folder_.write("project/build/" + made_, "ELF");
      return ok();
    });
  }

  BuildRequest request_ = folder_.request();
  std::string cmake_;
  std::string compiler_;
  std::string made_ = "shop";
};

TEST_F(BuildProvider, IsDoneByCMakeWithTheSdkThatIsInstalled) {
  const auto outcome = buildShop();
  ASSERT_TRUE(outcome) << outcome.error().describe();
  EXPECT_EQ(outcome->product, BuildProduct::kProgram);
  EXPECT_EQ(outcome->language, "cpp-provider");
  EXPECT_EQ(outcome->component_path, (folder_.project() / "build/shop").string());
  EXPECT_EQ(outcome->size_bytes, 3);
  const std::string package = (folder_.root() / "lib/cmake/nimbus").string();
  EXPECT_THAT(
      calls_,
      ElementsAre(ElementsAre(cmake_, "-S", ".", "-B", "build", "-DCMAKE_CXX_COMPILER=" + compiler_,
                              "-Dnimbus_DIR=" + package, "-DCMAKE_BUILD_TYPE=Release"),
                  ElementsAre(cmake_, "--build", "build")));
}

TEST_F(BuildProvider, TakesTheSdkAndTheCompilerThatAreNamed) {
  folder_.write("other/lib64/cmake/nimbus/nimbus-config.cmake", "");
  const std::string compiler = folder_.program("clang++-23");
  request_.config.build.env = {{"CXX", "clang++-22"},
                               {"CMAKE_PREFIX_PATH", (folder_.root() / "other").string()}};
  ASSERT_TRUE(buildShop());
  EXPECT_THAT(calls_.front(),
              AllOf(Contains("-DCMAKE_CXX_COMPILER=" + compiler_),
                    Contains(HasSubstr("-Dnimbus_DIR=" + (folder_.root() / "other").string()))));
  request_.config.build.env["CXX"] = "";
  ASSERT_TRUE(buildShop());
  EXPECT_THAT(calls_.front(), Contains("-DCMAKE_CXX_COMPILER=" + compiler)) << "the newest";
}

TEST_F(BuildProvider, LeavesToCMakeWhatItsArgumentsSay) {
  std::filesystem::remove_all(folder_.root() / "lib");
  std::filesystem::remove(compiler_);
  const std::vector<std::vector<std::string>> places = {
      {"-DCMAKE_PREFIX_PATH=/sdk"}, {"-D", "CMAKE_PREFIX_PATH:PATH=/sdk"}, {"-Dnimbus_DIR=/sdk"}};
  for (const std::vector<std::string>& place : places) {
    calls_.clear();
    request_.arguments = {"-G", "Ninja", "-DCMAKE_CXX_COMPILER=/usr/bin/mine"};
    std::ranges::copy(place, std::back_inserter(request_.arguments));
    const auto outcome = buildShop();
    ASSERT_TRUE(outcome) << outcome.error().describe();
    std::vector<std::string> words = {
        cmake_, "-S", ".", "-B", "build", "-Unimbus_DIR", "-DCMAKE_BUILD_TYPE=Release"};
    std::ranges::copy(request_.arguments, std::back_inserter(words));
    EXPECT_EQ(calls_.front(), words);
  }
  request_.arguments = {"-DMY_CMAKE_PREFIX_PATH=/sdk", "-DCMAKE_CXX_COMPILER_ID=x"};
  calls_.clear();
  EXPECT_FALSE(buildShop());
}

TEST_F(BuildProvider, IsRefusedWhereAComponentIsWanted) {
  request_.program_is_welcome = false;
  auto outcome = buildShop();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::kUnsupported) << "no edit of a source helps";
  EXPECT_THAT(outcome.error().message(), HasSubstr("makes a provider, which is a program"));
  request_.program_is_welcome = true;
  request_.config.build.component_path = "shop.wasm";
  outcome = buildShop();
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message(), HasSubstr("build.component_path is for components"));
  EXPECT_TRUE(calls_.empty());
}

TEST_F(BuildProvider, WantsAProgramOfTheProjectsName) {
  made_ = "store";
  const auto outcome = buildShop();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(outcome.error().message(), HasSubstr("CMake has made no "));
}

TEST_F(BuildProvider, SaysHowToGetTheSdk) {
  for (const char* prefix : {"/usr/local", "/usr"})
    for (const char* library : {"lib", "lib64", "lib/x86_64-linux-gnu", "lib/aarch64-linux-gnu"})
      if (std::filesystem::exists(std::filesystem::path(prefix) / library / "cmake/nimbus"))
        GTEST_SKIP() << "it is installed for all of this machine";
  std::filesystem::remove_all(folder_.root() / "lib");
  const auto outcome = buildShop();
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::kNotFound);
  EXPECT_THAT(outcome.error().message(), HasSubstr("make install-sdk PREFIX=$HOME/.local"));
  EXPECT_TRUE(calls_.empty());
}

TEST_F(BuildProvider, NeedsACompiler) {
  std::filesystem::remove(compiler_);
  const auto outcome = buildShop();
  ASSERT_FALSE(outcome);
  EXPECT_THAT(outcome.error().message(), HasSubstr("apt-get install clang-22"));
}

TEST_F(BuildProject, EndsWhenItIsStopped) {
  const auto outcome = build(commandRequest(), [](const ProcessSpec&) -> Result<ProcessOutcome> {
    return fail(ErrorCode::kCancelled, "sh was stopped");
  });
  ASSERT_FALSE(outcome);
  EXPECT_EQ(outcome.error().code(), ErrorCode::kCancelled);
}

}  // namespace
}  // namespace nimbus::project
