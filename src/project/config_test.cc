#include "project/config.h"

#include <filesystem>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "project/config_layer.h"
#include "project/test_support.h"

namespace nimbus::project {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

// A project and a user's folder, whose configuration is given as text.
class Config : public testing::Test {
 protected:
  void project(std::string_view text, const std::string& name = "config.yaml") {
    sources_.project_file = files_.write("project/.wash/" + name, text);
  }
  void user(std::string_view text) { sources_.user_file = files_.write("user/config.yaml", text); }
  void variable(const std::string& name, const std::string& value) {
    sources_.environment.emplace_back(name, value);
  }
  void flag(const std::string& key, const std::string& value) {
    sources_.flags.push_back({key, value, "--flag"});
  }

  LoadedConfig load() {
    auto loaded = loadConfig(sources_);
    EXPECT_TRUE(loaded) << loaded.error().describe();
    return loaded ? *std::move(loaded) : LoadedConfig();
  }
  // The one error there is, from the file's name on.
  std::string failure() {
    const auto loaded = loadConfig(sources_);
    if (loaded) return "it loaded";
    EXPECT_EQ(loaded.error().code(), ErrorCode::kInvalidArgument);
    return files_.withoutFolder(loaded.error().message());
  }
  std::vector<std::string> allFailures() {
    std::vector<std::string> all;
    for (const ConfigProblem& problem : checkConfig(sources_).errors)
      all.push_back(files_.withoutFolder(problem.describe()));
    return all;
  }

  TestFolder files_;
  ConfigSources sources_;
};

TEST_F(Config, HasDefaults) {
  const ProjectConfig config = load().config;
  EXPECT_EQ(config.dev.address, "127.0.0.1:8000");
  EXPECT_EQ(config.wit.wit_dir, "wit");
  EXPECT_FALSE(config.build.rust);
  EXPECT_FALSE(config.workload.allowed_hosts);
}

TEST_F(Config, ReadsYaml) {
  project(R"(version: "2.0.0"
build:
  command: make
  env: {CC: clang}
  component_path: out/a.wasm
dev:
  components:
    - name: other
      file: other.wasm
      poolSize: 4
  volumes: [{host_path: data, guest_path: /data}]
workload:
  allowedHosts: []
)");
  const ProjectConfig config = load().config;
  EXPECT_EQ(config.build.command, "make");
  EXPECT_THAT(config.build.env, ElementsAre(Pair("CC", "clang")));
  EXPECT_EQ(config.build.component_path, "out/a.wasm");
  ASSERT_EQ(config.dev.components.size(), 1U);
  EXPECT_EQ(config.dev.components[0].pool_size, 4U);
  EXPECT_EQ(config.dev.volumes[0].guest_path, "/data");
  ASSERT_TRUE(config.workload.allowed_hosts);
  EXPECT_THAT(*config.workload.allowed_hosts, IsEmpty());
}

TEST_F(Config, ReadsJsonWithTabsAndOlderKeys) {
  project(
      "{\n\t\"build\": {\n\t\t\"rust\": {\"release\": true, \"features\": [\"a\"]},\n"
      "\t\t\"artifact_path\": \"a.wasm\"\n\t}\n}\n",
      "config.json");
  const ProjectConfig config = load().config;
  ASSERT_TRUE(config.build.rust);
  EXPECT_TRUE(config.build.rust->release);
  EXPECT_THAT(config.build.rust->features, ElementsAre("a"));
  EXPECT_EQ(config.build.rust->target, "wasm32-wasip2");
  EXPECT_EQ(config.build.component_path, "a.wasm");
}

TEST_F(Config, ReadsToml) {
  project(
      "[build]\ncommand = 'make'\n[dev]\nmax_connections = 7\nservice = true\n"
      "[[dev.components]]\nname = 'x'\nimage = 'r/x:1'\n",
      "config.toml");
  const ProjectConfig config = load().config;
  EXPECT_EQ(config.build.command, "make");
  EXPECT_EQ(config.dev.max_connections, 7U);
  EXPECT_TRUE(config.dev.service);
  EXPECT_EQ(config.dev.components[0].image, "r/x:1");
}

TEST_F(Config, SaysNothingIfTheFileIsEmpty) {
  project("# nothing yet\n");
  EXPECT_EQ(load().config.dev.address, "127.0.0.1:8000");
}

TEST_F(Config, StrongerSourcesWin) {
  user("dev: {address: '127.0.0.1:1', tls_ca_path: user.pem}\nbuild: {env: {A: user, B: user}}\n");
  project("dev: {address: '127.0.0.1:2'}\nbuild: {env: {B: project, C: project}}\n");
  variable("WASH_DEV_ADDRESS", "127.0.0.1:3");
  LoadedConfig loaded = load();
  EXPECT_EQ(loaded.config.dev.address, "127.0.0.1:3");
  EXPECT_EQ(loaded.config.dev.tls_ca_path, "user.pem");
  EXPECT_THAT(loaded.config.build.env,
              ElementsAre(Pair("A", "user"), Pair("B", "project"), Pair("C", "project")));

  flag("dev.address", "127.0.0.1:4");
  EXPECT_EQ(load().config.dev.address, "127.0.0.1:4");
}

TEST_F(Config, KnowsWhereEachValueComesFrom) {
  user("wit:\n  wit_dir: w\n");
  project("build:\n  env:\n    CC: clang\ndev:\n  components:\n  - {name: a, file: a.wasm}\n");
  variable("WASH_WIT_SKIP_FETCH", "true");
  flag("dev.address", "127.0.0.1:0");
  const LoadedConfig loaded = load();
  const auto origin = [&](std::string_view key) {
    return files_.withoutFolder(loaded.originOf(key).describe());
  };
  EXPECT_EQ(origin("wit.wit_dir"), "user/config.yaml:2");
  EXPECT_EQ(origin("build.env.CC"), "project/.wash/config.yaml:3");
  EXPECT_EQ(origin("dev.components[0].file"), "project/.wash/config.yaml:5");
  EXPECT_EQ(origin("wit.skip_fetch"), "$WASH_WIT_SKIP_FETCH");
  EXPECT_EQ(origin("dev.address"), "--flag");
  EXPECT_EQ(origin("build.command"), "default");
}

TEST_F(Config, NamesFileLineAndNearestKey) {
  project("build:\n  comand: make\n");
  EXPECT_EQ(failure(),
            "project/.wash/config.yaml:2: unknown key \"comand\" in build; did you mean "
            "\"command\"?");
}

TEST_F(Config, RefusesWrongTypes) {
  project("dev:\n  service: perhaps\n  address: 8000\n  max_connections: 0\n  volumes: none\n");
  EXPECT_THAT(allFailures(),
              ElementsAre("project/.wash/config.yaml:2: dev.service: expected true or false, found "
                          "the string \"perhaps\"",
                          "project/.wash/config.yaml:3: dev.address: expected a string, found the "
                          "number 8000; put it in quotes",
                          "project/.wash/config.yaml:4: dev.max_connections: expected a whole "
                          "number of at least 1, found the number 0",
                          "project/.wash/config.yaml:5: dev.volumes: expected a list of maps, "
                          "found the string \"none\""));
}

TEST_F(Config, CountsFurtherProblems) {
  project("a: 1\nb: 2\nc: 3\n");
  EXPECT_THAT(failure(), EndsWith("(and 2 more: wash config validate)"));
}

TEST_F(Config, RefusesBrokenDocuments) {
  project("build: [\n");
  EXPECT_THAT(failure(), HasSubstr("project/.wash/config.yaml:2: "));
  project("[build\n", "config.toml");
  EXPECT_THAT(failure(), HasSubstr("project/.wash/config.toml:1: "));
  sources_.project_file = files_.path("missing.yaml");
  EXPECT_THAT(failure(), HasSubstr("missing.yaml"));
}

TEST_F(Config, RefusesWhatContradictsItself) {
  project(R"(dev:
  tls_cert_path: c.pem
  address: nonsense
  data_nats_url: http://x
  components:
    - {name: a, file: a.wasm, image: r/a}
    - {name: a, file: a.wasm}
  service_file: s.wasm
  service_image: r/s
workload:
  environment: {secretFrom: [nobody]}
)");
  EXPECT_THAT(
      allFailures(),
      ElementsAre(
          HasSubstr("yaml:3: dev.address: \"nonsense\" is not an address and port"),
          HasSubstr("yaml:2: dev.tls_key_path is missing"),
          HasSubstr("yaml:4: dev.data_nats_url: expected a URL that begins with nats:// or tls://"),
          HasSubstr("yaml:9: dev.service_file and dev.service_image exclude each other"),
          HasSubstr("yaml:6: dev.components[0]: exactly one of file, image, project is needed"),
          HasSubstr("yaml:7: dev.components[1].name: \"a\" is there twice"),
          HasSubstr("yaml:11: workload.environment.secretFrom: there is no \"nobody\"")));
}

TEST_F(Config, RefusesPortsThatNobodyCanHave) {
  project(R"(dev:
  service_ports:
    - {name: a, port: 1, publish: 80}
    - {name: a, port: 2, publish: 80}
    - {name: b, port: 3, publish: 80, protocol: UDP}
    - {name: '', port: 3, bind: 10.0.0.1}
)");
  EXPECT_THAT(allFailures(),
              ElementsAre(HasSubstr("yaml:3: dev.service_ports: there is no service"),
                          HasSubstr("yaml:4: dev.service_ports[1].name: \"a\" is there twice"),
                          HasSubstr("yaml:4: dev.service_ports[1].publish: 80 is there twice"),
                          HasSubstr("yaml:6: dev.service_ports[3].name is empty"),
                          HasSubstr("yaml:6: dev.service_ports[3].bind: a service listens in its "
                                    "workload's network only")));
}

TEST_F(Config, RefusesAKeyUnderBothItsNames) {
  project("build: {artifact_path: a, component_path: b}\n");
  EXPECT_THAT(failure(), HasSubstr("build.artifact_path is the older name"));
}

TEST_F(Config, TakesConsentOnlyFromTheUser) {
  user("plugins: {allow: ['p:/bin/x']}\n");
  EXPECT_THAT(load().config.plugins.allow, ElementsAre("p:/bin/x"));
  project("plugins:\n  allow: ['p:/bin/y']\n");
  EXPECT_THAT(failure(), HasSubstr("yaml:2: plugins.allow is not taken from a project's own file"));
}

TEST_F(Config, ReadsListsMapsAndNumbersFromVariables) {
  variable("WASH_WORKLOAD_ALLOWED_HOSTS", "a.example, b.example:443");
  variable("WASH_BUILD_ENV", "A=1,B=x=y");
  variable("WASH_DEV_MAX_CONNECTIONS", "12");
  variable("WASH_DEV_WASI_OTEL", "1");
  const ProjectConfig config = load().config;
  EXPECT_THAT(*config.workload.allowed_hosts, ElementsAre("a.example", "b.example:443"));
  EXPECT_THAT(config.build.env, ElementsAre(Pair("A", "1"), Pair("B", "x=y")));
  EXPECT_EQ(config.dev.max_connections, 12U);
  EXPECT_TRUE(config.dev.wasi_otel);
}

TEST_F(Config, RefusesWrongVariables) {
  variable("WASH_DEV_MAX_CONNECTIONS", "many");
  EXPECT_EQ(failure(),
            "$WASH_DEV_MAX_CONNECTIONS: dev.max_connections: expected a whole number of at least "
            "1, found the string \"many\"");
}

TEST_F(Config, WarnsOfVariablesThatAreNearlyRight) {
  variable("WASH_DEV_ADRESS", "127.0.0.1:1");
  variable("WASH_LOG_LEVEL", "debug");
  const LoadedConfig loaded = load();
  ASSERT_EQ(loaded.warnings.size(), 1U);
  EXPECT_EQ(loaded.warnings[0].describe(),
            "$WASH_DEV_ADRESS: sets nothing; did you mean WASH_DEV_ADDRESS?");
}

TEST_F(Config, RefusesFlagsOfUnknownKeys) {
  flag("dev.colour", "red");
  EXPECT_THAT(failure(), HasSubstr("there is no key dev.colour"));
}

TEST_F(Config, WarnsOfFilesBesideTheOneThatIsRead) {
  files_.write("project/.wash/config.toml", "");
  project("dev: {address: '127.0.0.1:1'}");
  const LoadedConfig loaded = load();
  ASSERT_EQ(loaded.warnings.size(), 1U);
  EXPECT_EQ(files_.withoutFolder(loaded.warnings[0].describe()),
            "project/.wash/config.toml: is not read: project/.wash/config.yaml is");
}

TEST_F(Config, RefusesWhatHasTheNameAndIsNoFile) {
  std::filesystem::create_directories(files_.path("project/.wash/config.yaml"));
  files_.write("project/.wash/config.json", "{}");
  sources_.project_file = findProject(files_.path("project")).config_file;
  EXPECT_THAT(failure(), HasSubstr("project/.wash/config.yaml"));
}

TEST_F(Config, FindsTheNearestProject) {
  files_.write("a/.wash/config.toml", "");
  files_.write("a/b/.wash/other", "");
  files_.write("a/b/c/file", "");
  const Project project = findProject(files_.path("a/b/c"));
  EXPECT_EQ(project.folder, files_.path("a"));
  EXPECT_EQ(project.config_file, files_.path("a/.wash/config.toml"));

  EXPECT_EQ(findProject(files_.path("a/b/c/") + ".").folder, files_.path("a"));
  EXPECT_EQ(findProject(files_.path("elsewhere")).folder, files_.path("elsewhere"));
  EXPECT_EQ(findProject(files_.path("elsewhere")).config_file, "");
}

TEST(ConfigVariables, AreUnique) {
  std::set<std::string> names;
  for (const Variable& variable : configVariables())
    EXPECT_TRUE(names.insert(variable.name).second) << variable.name;
  EXPECT_TRUE(names.contains("WASH_WORKLOAD_ALLOWED_HOST_LOOPBACK_PORTS"));
}

TEST_F(Config, WarnsOfWhatNothingGoesBy) {
  project("version: 1\nhost:\n  hostPlugins: [{id: a, file: a.wasm}]\n");
  const LoadedConfig loaded = load();
  ASSERT_EQ(loaded.warnings.size(), 1U);
  EXPECT_THAT(loaded.warnings[0].describe(),
              testing::HasSubstr("config.yaml:3: host.hostPlugins is not read: "));
}

}  // namespace
}  // namespace nimbus::project
