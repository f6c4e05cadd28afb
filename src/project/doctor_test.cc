#include "project/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "project/doctor_network.h"
#include "project/test_support.h"

namespace nimbus::project {
namespace {

namespace fs = std::filesystem;
using testing::EndsWith;
using testing::HasSubstr;
using Status = Check::Status;

class FakeNetwork final : public DoctorNetwork {
 public:
  Result<void> port;
  Result<void> nats;
  Result<void> canListen(const std::string&) override { return port; }
  Result<void> natsAnswers(const std::string& url) override {
    asked.push_back(url);
    return nats;
  }
  std::vector<std::string> asked;
};

// A machine that has the programs that a test gives it, and nothing else.
class Doctor : public testing::Test {
 protected:
  Doctor() { fs::create_directories(files_.path("bin")); }

  // A program that prints this, whatever it is asked.
  void program(const std::string& name, const std::string& prints) {
    const std::string file = files_.write("bin/" + name, "#!/bin/sh\necho '" + prints + "'\n");
    fs::permissions(file, fs::perms(0755));
  }
  void project(const std::string& marker, std::string_view content = "") {
    files_.write("project/" + marker, content);
  }

  // One that fails, and says nothing of a version.
  void failing(const std::string& name, const std::string& script = "exit 1") {
    const std::string file = files_.write("bin/" + name, "#!/bin/sh\n" + script + "\n");
    fs::permissions(file, fs::perms(0755));
  }

  // One that compiles for WASI, and answers so when it is asked for its C++ library.
  void clang(const std::string& name, const std::string& version, const std::string& cxx_library) {
    environment_ = {{"WASI_SDK_PATH", ""}};
    failing(name, "case \"$*\" in --version) echo 'clang version " + version +
                      "' ;; *libc++.a) echo '" + cxx_library + "' ;; *) echo '" +
                      files_.write("libc.a", "") + "' ;; esac");
  }

  DoctorReport examine() {
    fs::create_directories(files_.path("project"));
    DoctorRequest request;
    request.project = findProject(files_.path("project"));
    auto loaded = loadConfig({.user_file = {},
                              .project_file = request.project.config_file,
                              .environment = {},
                              .flags = {}});
    if (loaded) {
      request.config = *std::move(loaded);
    } else {
      request.config_error = loaded.error().message();
    }
    request.environment = environment_;
    request.wit_registries = wit_registries_;
    request.wit_problems = wit_problems_;
    request.dev_problems = dev_problems_;
    request.credentials = [this](const std::string&) { return credentials_; };
    SystemProcessRunner runner;
    // /bin has the shell that the programs are written for.
    const Toolbox tools(runner, files_.path("bin"), request.project.folder);
    return project::examine(request, tools, toolchains(), network_);
  }
  static Check find(const DoctorReport& report, const std::string& name) {
    for (const Check& check : report.checks)
      if (check.name == name) return check;
    ADD_FAILURE() << "no check of " << name;
    return {};
  }

  TestFolder files_;
  FakeNetwork network_;
  Result<bool> credentials_ = true;
  StringMap environment_;
  std::vector<WitRegistryUse> wit_registries_;
  std::vector<std::string> wit_problems_;
  std::vector<std::string> dev_problems_;
};

TEST_F(Doctor, RequiresNothingWithoutAProject) {
  const DoctorReport report = examine();
  EXPECT_FALSE(report.failed());
  EXPECT_TRUE(report.healthy());
  EXPECT_EQ(find(report, "cargo").status, Status::kAbsent);
}

TEST_F(Doctor, RequiresWhatTheLanguageNeeds) {
  project("pyproject.toml");
  program("python3", "Python 3.11.2");
  const DoctorReport report = examine();
  EXPECT_EQ(report.language, "python");
  EXPECT_TRUE(report.failed());
  EXPECT_EQ(find(report, "python3").version, "3.11.2");
  const Check missing = find(report, "componentize-py");
  EXPECT_EQ(missing.status, Status::kError);
  EXPECT_EQ(missing.fix, "pip install componentize-py");
  EXPECT_EQ(find(report, "go").status, Status::kAbsent);

  program("componentize-py", "componentize-py 0.17.1");
  EXPECT_FALSE(examine().failed());
}

TEST_F(Doctor, RefusesOldVersions) {
  project("pyproject.toml");
  program("python3", "Python 3.8.1");
  program("componentize-py", "componentize-py 0.17.1");
  const DoctorReport report = examine();
  const Check old = find(report, "python3");
  EXPECT_EQ(old.status, Status::kError);
  EXPECT_THAT(old.message, HasSubstr("older than 3.10"));
  EXPECT_TRUE(report.failed());
}

TEST_F(Doctor, WarnsOfOldVersionsThatNobodyNeeds) {
  program("node", "v12.22.9");
  const DoctorReport report = examine();
  EXPECT_EQ(find(report, "node").status, Status::kWarning);
  EXPECT_FALSE(report.failed());
  EXPECT_FALSE(report.healthy());
}

TEST_F(Doctor, KnowsWhichTinyGoTakesWhichGo) {
  program("tinygo", "tinygo version 0.38.0 linux/amd64 (using go version go1.25.1 and LLVM 19)");
  program("go", "go version go1.25.1 linux/amd64");
  const Check old = find(examine(), "tinygo-for-go");
  EXPECT_EQ(old.status, Status::kWarning) << "no project here needs it";
  EXPECT_THAT(old.message, HasSubstr("Go 1.25.1 needs TinyGo 0.39 or newer; this is 0.38.0"));
  EXPECT_THAT(old.fix, HasSubstr("install TinyGo 0.39"));

  program("tinygo", "tinygo version 0.39.0 linux/amd64");
  EXPECT_EQ(find(examine(), "tinygo-for-go").status, Status::kOk);
  program("go", "go version go1.99.0 linux/amd64");
  EXPECT_EQ(find(examine(), "tinygo-for-go").status, Status::kWarning);
}

TEST_F(Doctor, UsesWhatTheProjectBringsItself) {
  project("pyproject.toml");
  program("python3", "Python 3.11.2");
  fs::permissions(
      files_.write("project/.venv/bin/componentize-py", "#!/bin/sh\necho componentize-py 0.19.0\n"),
      fs::perms(0755));
  EXPECT_EQ(find(examine(), "componentize-py").version, "0.19.0");
}

TEST_F(Doctor, SaysThatAProgramDoesNotAnswer) {
  program("git", "nothing to say");
  EXPECT_THAT(find(examine(), "git").message, HasSubstr("does not say its version"));
  program("go", "nothing to say");
  project("go.mod", "module a\n");
  EXPECT_EQ(find(examine(), "go").status, Status::kWarning);
  failing("go");
  EXPECT_EQ(find(examine(), "go").status, Status::kError);
  EXPECT_TRUE(examine().failed());
}

TEST_F(Doctor, FailsOnAWrongConfiguration) {
  project(".wash/config.yaml", "bild: {}\n");
  const DoctorReport report = examine();
  EXPECT_TRUE(report.failed());
  EXPECT_THAT(find(report, "configuration").message, HasSubstr("did you mean \"build\"?"));
}

TEST_F(Doctor, ChecksWhatTheConfigurationNames) {
  project(".wash/config.yaml",
          "dev:\n  address: 127.0.0.1:80\n  data_nats_url: nats://127.0.0.1:1\n"
          "  service_image: registry.example/a:1\n"
          "  service_ports: [{name: a, port: 1}, {name: cache, port: 2, publish: 6379}]\n");
  network_.port = fail(ErrorCode::kPermissionDenied, "taken");
  network_.nats = fail(ErrorCode::kUnavailable, "refused");
  credentials_ = fail(ErrorCode::kNotFound, "no helper");
  const DoctorReport report = examine();
  EXPECT_THAT(find(report, "port").message, HasSubstr("cannot listen at 127.0.0.1:80: taken"));
  EXPECT_THAT(find(report, "port cache").message, HasSubstr("cannot listen at 127.0.0.1:6379"));
  EXPECT_THAT(find(report, "port cache").fix, HasSubstr("set dev.service_ports[1].publish to"));
  EXPECT_THAT(find(report, "nats").message, HasSubstr("dev.data_nats_url does not answer"));
  EXPECT_EQ(find(report, "registry registry.example").fix, "docker login registry.example");
  EXPECT_FALSE(report.failed()) << "it can still be built";
}

TEST_F(Doctor, RequiresWhatTheBuildFilesNeed) {
  project("CMakeLists.txt");
  DoctorReport report = examine();
  EXPECT_EQ(find(report, "cmake").status, Status::kError);
  EXPECT_EQ(find(report, "make").status, Status::kError) << "what CMake uses by itself";
  EXPECT_THAT(find(report, "cmake").fix, HasSubstr("apt-get install cmake"));
  environment_ = {{"CMAKE_GENERATOR", "Ninja"}};
  program("cmake", "cmake version 3.10.2");
  report = examine();
  EXPECT_THAT(find(report, "cmake").message, HasSubstr("older than 3.20"));
  EXPECT_EQ(find(report, "make").status, Status::kAbsent);
}

TEST_F(Doctor, RequiresTheCxxLibraryForWasiOfProjectsInCxxAlone) {
  project("Makefile");
  project("main.c");
  project("build/gen/made.cc");
  clang("clang-22", "22.1.8", "libc++.a");
  EXPECT_EQ(find(examine(), "clang-wasi").status, Status::kOk);
  EXPECT_EQ(find(examine(), "libc++-wasi").status, Status::kAbsent);
  EXPECT_FALSE(find(examine(), "libc++-wasi").required);

  project(".wash/config.yaml", "build: {language: cpp}\n");
  const DoctorReport report = examine();
  const Check missing = find(report, "libc++-wasi");
  EXPECT_EQ(missing.status, Status::kError);
  EXPECT_TRUE(missing.required);
  EXPECT_TRUE(report.failed());
  EXPECT_THAT(missing.fix,
              HasSubstr("apt-get install libc++-22-dev-wasm32 libc++abi-22-dev-wasm32;"));

  clang("clang-22", "22.1.8", files_.write("libc++.a", ""));
  EXPECT_EQ(find(examine(), "libc++-wasi").status, Status::kOk);
}

TEST_F(Doctor, WarnsOfTheCxxLibraryForWasiWhereFilesInCxxMayBeOfTestsOrTools) {
  project("Makefile");
  project("main.c");
  project("tests/main_test.cc");
  program("make", "GNU Make 4.3");
  clang("clang-22", "22.1.8", "libc++.a");
  const DoctorReport report = examine();
  const Check missing = find(report, "libc++-wasi");
  EXPECT_EQ(missing.status, Status::kWarning);
  EXPECT_FALSE(missing.required);
  EXPECT_THAT(missing.message, EndsWith(", and there are files in C++"));
  EXPECT_FALSE(report.failed());

  clang("clang-22", "22.1.8", files_.write("libc++.a", ""));
  EXPECT_EQ(find(examine(), "libc++-wasi").status, Status::kOk);
}

TEST_F(Doctor, NamesTheCxxLibraryForWasiOfTheClangThatIsThere) {
  project("CMakeLists.txt");
  project(".wash/config.yaml", "build: {language: cpp}\n");
  clang("clang-19", "19.1.7", "libc++.a");
  EXPECT_THAT(find(examine(), "libc++-wasi").fix,
              HasSubstr("libc++-19-dev-wasm32 libc++abi-19-dev-wasm32"));
}

TEST_F(Doctor, NamesTheCxxLibraryForWasiWithTheClangThatIsMissing) {
  environment_ = {{"WASI_SDK_PATH", ""}};
  project("Makefile");
  project("main.c");
  EXPECT_EQ(find(examine(), "clang-wasi").fix,
            "on Debian: apt-get install clang-22 lld-22 wasi-libc libclang-rt-22-dev-wasm32");
  project("main.cc");
  const Check missing = find(examine(), "clang-wasi");
  EXPECT_EQ(missing.status, Status::kError);
  EXPECT_THAT(missing.fix, EndsWith("-dev-wasm32 libc++-22-dev-wasm32 libc++abi-22-dev-wasm32"));
}

TEST_F(Doctor, SeesTheEnvironmentOfBuilds) {
  project("Makefile");
  project("main.c");
  environment_ = {{"WASI_SDK_PATH", files_.path("another")}};
  project(".wash/config.yaml", "build: {env: {WASI_SDK_PATH: " + files_.path("sdk") + "}}\n");
  const Check absent = find(examine(), "clang-wasi");
  EXPECT_EQ(absent.status, Status::kError);
  EXPECT_THAT(absent.message, HasSubstr(files_.path("sdk")));
}

TEST_F(Doctor, RefusesAClangThatIsTooOldForWasi) {
  project("Makefile");
  clang("clang", "10.0.0", "libc++.a");
  const Check old = find(examine(), "clang-wasi");
  EXPECT_EQ(old.status, Status::kError);
  EXPECT_THAT(old.message, HasSubstr("is older than 11.0"));
  EXPECT_THAT(old.fix, HasSubstr("apt-get install clang-22"));
  for (const char* version : {"11.0.0", "14.0.6", "22.1.8", "23.0.0git", "of a kind"}) {
    clang("clang", version, "libc++.a");
    EXPECT_EQ(find(examine(), "clang-wasi").status, Status::kOk) << version;
  }
}

TEST_F(Doctor, RequiresWhatAProviderIsLinkedWithAndItsCompiler) {
  project("CMakeLists.txt", "find_package(nimbus REQUIRED)\n");
  environment_ = {{"CMAKE_PREFIX_PATH", files_.path("sdk")}, {"CXX", "clang++-22"}};
  EXPECT_THAT(find(examine(), "clang++").fix, HasSubstr("apt-get install clang-22"));
  files_.write("sdk/lib/cmake/nimbus/nimbus-config.cmake", "");
  program("clang++-22", "Debian clang version 22.1.8");
  DoctorReport report = examine();
  EXPECT_EQ(report.language, "cpp-provider");
  EXPECT_EQ(find(report, "nimbus-sdk").path, files_.path("sdk/lib/cmake/nimbus"));
  EXPECT_EQ(find(report, "clang++").status, Status::kOk);
  EXPECT_EQ(find(report, "cmake").status, Status::kError);
  EXPECT_EQ(find(report, "clang-wasi").status, Status::kAbsent);
  for (const char* other : {"Debian clang version 19.1.7", "g++ (Debian) 12.2.0"}) {
    program("clang++-22", other);
    EXPECT_EQ(find(examine(), "clang++").status, Status::kError) << other;
  }
}

TEST_F(Doctor, RequiresThePackageManagerOfTheProject) {
  project("package.json", "{}");
  EXPECT_EQ(find(examine(), "npm").status, Status::kError);
  project("pnpm-lock.yaml");
  DoctorReport report = examine();
  EXPECT_EQ(find(report, "npm").status, Status::kAbsent);
  EXPECT_EQ(find(report, "pnpm").status, Status::kError);
  EXPECT_EQ(find(report, "pnpm").fix, "npm install --global pnpm");
  program("pnpm", "10.1.0");
  EXPECT_EQ(find(examine(), "pnpm").status, Status::kOk);
}

TEST_F(Doctor, ChecksTheVersionsThatManifestsAskFor) {
  project("package.json", R"({"engines": {"node": ">=22 <25", "npm": "^11"}})");
  program("node", "v20.11.0");
  program("npm", "11.4.0");
  const DoctorReport report = examine();
  const Check node = find(report, "engines.node");
  EXPECT_EQ(node.status, Status::kWarning);
  EXPECT_EQ(node.message,
            "package.json asks for node >=22 <25, and this is 20.11.0, which may "
            "refuse to build");
  EXPECT_EQ(find(report, "engines.npm").status, Status::kOk);
  program("node", "v22.0.0");
  EXPECT_EQ(find(examine(), "engines.node").status, Status::kOk);
}

TEST_F(Doctor, ChecksRequiresPython) {
  project("pyproject.toml", "[project]\nrequires-python = \">=3.12\"\n");
  program("python3", "Python 3.11.2");
  EXPECT_EQ(find(examine(), "requires-python").status, Status::kWarning);
  program("python3", "Python 3.13.2");
  EXPECT_EQ(find(examine(), "requires-python").status, Status::kOk);
}

TEST_F(Doctor, ChecksTheRustVersionAlsoOfAWorkspace) {
  project("Cargo.toml", "[package]\nrust-version = \"1.90\"\n");
  program("cargo", "cargo 1.85.1 (d73d2caf9 2024-12-31)");
  EXPECT_THAT(find(examine(), "rust-version").message,
              HasSubstr("Cargo.toml asks for cargo 1.90, and this is 1.85.1"));
  project("Cargo.toml", "[package]\nrust-version.workspace = true\n");
  files_.write("Cargo.toml", "[workspace.package]\nrust-version = \"1.80\"\n");
  EXPECT_EQ(find(examine(), "rust-version").status, Status::kOk);
}

TEST_F(Doctor, KnowsThatGoFetchesTheVersionThatItNeeds) {
  project("go.mod", "module x\n\ngo 1.26.0 // why\ntoolchain go1.26.3\n");
  program("go", "go version go1.25.1 linux/amd64");
  const Check fetched = find(examine(), "go.mod");
  EXPECT_EQ(fetched.status, Status::kWarning);
  EXPECT_THAT(fetched.message, HasSubstr("asks for go 1.26.0, and this is 1.25.1: the build will"));
  EXPECT_EQ(find(examine(), "toolchain").status, Status::kWarning);
  environment_ = {{"GOTOOLCHAIN", "local"}};
  EXPECT_EQ(find(examine(), "go.mod").status, Status::kError);
  program("go", "go version go1.26.4 linux/amd64");
  EXPECT_EQ(find(examine(), "go.mod").status, Status::kOk);
}

TEST_F(Doctor, AsksGoWithoutLettingItFetchAnything) {
  failing("go", "echo go version go1.26.$([ \"$GOTOOLCHAIN\" = local ] && echo 1 || echo 2)");
  EXPECT_EQ(find(examine(), "go").version, "1.26.1");
}

TEST_F(Doctor, WarnsOfManifestsThatItCannotRead) {
  project("package.json", "{\"engines\": {\"node\": \"new\"}}");
  program("node", "v22.0.0");
  const Check odd = find(examine(), "engines.node");
  EXPECT_EQ(odd.status, Status::kWarning);
  EXPECT_THAT(odd.message, HasSubstr("asks for node new, which says no versions"));
  project("package.json", "{");
  EXPECT_THAT(find(examine(), "project").message, HasSubstr("package.json:1"));
}

TEST_F(Doctor, TellsARustupWithoutAToolchain) {
  project("Cargo.toml");
  failing("cargo", "echo 'error: rustup could not choose a version of cargo to run' >&2; exit 1");
  failing("rustup", "[ $1 = toolchain ] && echo 'no installed toolchains' || exit 1");
  const Check none = find(examine(), "cargo");
  EXPECT_EQ(none.status, Status::kError);
  EXPECT_THAT(none.message, HasSubstr("rustup's, which has no toolchain"));
  EXPECT_EQ(none.fix, "rustup default stable");
  EXPECT_THAT(none.safe_fix, testing::ElementsAre(files_.path("bin/rustup"), "default", "stable"));

  failing("rustup", "echo stable-x86_64-unknown-linux-gnu");
  project("rust-toolchain.toml", "[toolchain]\nchannel = \"1.80\"\n");
  const Check other = find(examine(), "cargo");
  EXPECT_THAT(other.message, HasSubstr("rust-toolchain.toml asks for is not installed"));
  EXPECT_EQ(other.fix, "rustup toolchain install");
}

TEST_F(Doctor, TellsWhatWashDevRefuses) {
  EXPECT_TRUE(examine().healthy());
  dev_problems_ = {"config.yaml:3: dev.postgres_url is not supported"};
  const DoctorReport report = examine();
  EXPECT_EQ(find(report, "wash dev").status, Status::kWarning);
  EXPECT_EQ(find(report, "wash dev").message, dev_problems_.front());
  EXPECT_FALSE(report.failed());
  EXPECT_FALSE(report.healthy());
}

TEST_F(Doctor, ChecksWhereWitComesFrom) {
  wit_registries_ = {{"wit.example", true}, {"other.example", false}};
  wit_problems_ = {"config.toml:3: unknown key"};
  credentials_ = false;
  const DoctorReport report = examine();
  EXPECT_EQ(find(report, "registry wit.example").message, "credentials are configured");
  EXPECT_EQ(find(report, "registry other.example").message, "is used without credentials");
  EXPECT_EQ(find(report, "wit sources").status, Status::kWarning);
  EXPECT_FALSE(report.healthy());
}

TEST_F(Doctor, AsksTheNatsServersOfProviders) {
  project(".wash/config.yaml",
          "dev:\n  host_interfaces:\n"
          "    - {namespace: a, package: b, provider: 'nats:shop'}\n"
          "    - {namespace: a, package: c, provider: 'nats://10.0.0.1:4222,10.0.0.2:4222/shop'}\n"
          "    - {namespace: a, package: d, provider: 'tcp:127.0.0.1:1'}\n");
  network_.nats = fail(ErrorCode::kUnavailable, "refused");
  const Check check = find(examine(), "nats");
  EXPECT_THAT(check.message, HasSubstr("dev.host_interfaces (a:"));
  EXPECT_THAT(network_.asked,
              testing::UnorderedElementsAre("nats://127.0.0.1:4222", HasSubstr("10.0.0.1"),
                                            HasSubstr("10.0.0.2")));
}

TEST(ToolVersions, AreFoundInWhatToolsPrint) {
  const auto found = [](std::string_view text) {
    const auto version = ToolVersion::findIn(text);
    return version ? version->text() : "none";
  };
  EXPECT_EQ(found("go version go1.25.1 linux/amd64"), "1.25.1");
  EXPECT_EQ(found("v20.11.0"), "20.11.0");
  EXPECT_EQ(found("wasm-tools 1.236.0 (abc 2025-01-01)"), "1.236.0");
  EXPECT_EQ(found("Debian clang version 22.1.0 (++2026)"), "22.1.0");
  EXPECT_EQ(found("no 7 here"), "none");
  EXPECT_LT(*ToolVersion::findIn("1.9"), *ToolVersion::findIn("1.10"));
  EXPECT_EQ(*ToolVersion::findIn("1.9"), *ToolVersion::findIn("1.9.0"));
}

TEST(ToolchainTable, RefusesWhatIsNoTable) {
  EXPECT_FALSE(
      parseToolchains("clang_wasi: '11.0'\ntools: [{name: x, ask: [x], least: soon}]", "f"));
  EXPECT_FALSE(parseToolchains("clang_wasi: '11.0'\ntols: []", "f"));
  EXPECT_FALSE(parseToolchains("clang_wasi: new\ntools: []", "f"));
  EXPECT_TRUE(parseToolchains("clang_wasi: '11.0'\ntools: []", "f"));
}

TEST(DoctorNetwork, KnowsWhetherAnAddressIsTaken) {
  SystemDoctorNetwork network;
  EXPECT_TRUE(network.canListen("127.0.0.1:0"));
  EXPECT_FALSE(network.canListen("192.0.2.1:8000")) << "an address of nobody";
}

TEST(DoctorNetwork, ToldApartFromNothing) {
  SystemDoctorNetwork network;
  EXPECT_FALSE(network.natsAnswers("nats://user:secret@127.0.0.1:1"));
}

}  // namespace
}  // namespace nimbus::project
