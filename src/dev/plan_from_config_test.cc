#include "dev/plan_from_config.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "dev/server_difference.h"
#include "dev/test_support.h"
#include "project/component_name.h"

namespace nimbus::dev {
namespace {

using Names = std::vector<std::string>;

// Git is not asked for anything here.
class NoPrograms final : public ProcessRunner {
 public:
  Result<ProcessOutcome> run(const ProcessSpec&) override {
    return fail(ErrorCode::kNotFound, "no programs");
  }
  Result<std::unique_ptr<BackgroundProcess>> start(const ProcessSpec&) override {
    return fail(ErrorCode::kNotFound, "no programs");
  }
};

class PlanFromConfigTest : public ::testing::Test {
 protected:
  PlanFromConfigTest() {
    request_.folder = folder_.path();
    request_.user_file = folder_.path("user.yaml");
    folder_.write("user.yaml", "");
  }
  Result<std::shared_ptr<const DevPlan>> make(std::string_view config) {
    folder_.write(".wash/config.yaml", config);
    return makePlan(
        request_,
        [](std::string_view name) -> std::optional<std::string> {
          if (name == "TOKEN") return "secret";
          return std::nullopt;
        },
        runner_);
  }
  DevPlan planOf(std::string_view config) {
    const auto plan = make(config);
    EXPECT_TRUE(plan) << plan.error().describe();
    return plan ? **plan : DevPlan();
  }
  // The message of a configuration that cannot be used.
  std::string refusal(std::string_view config, ErrorCode code) {
    const auto plan = make(config);
    EXPECT_FALSE(plan);
    if (plan) return {};
    EXPECT_EQ(plan.error().code(), code) << plan.error().describe();
    return plan.error().describe();
  }
  const host::LocalResources& resources(const DevPlan& plan, std::size_t index = 0) {
    return plan.components.at(index).spec.local_resources;
  }
  ProjectFolder folder_;
  PlanRequest request_;
  NoPrograms runner_;
};

TEST_F(PlanFromConfigTest, WithoutAConfigurationTheFolderIsTheProject) {
  const DevPlan plan = planOf("");
  ASSERT_EQ(plan.projects.size(), 1U);
  EXPECT_EQ(plan.projects[0].folder, folder_.path());
  ASSERT_EQ(plan.components.size(), 1U);
  EXPECT_EQ(plan.components[0].project, 0U);
  EXPECT_EQ(plan.server.address, "127.0.0.1:8000");
  EXPECT_EQ(resources(plan).allowed_hosts, Names{"*"});
  EXPECT_TRUE(resources(plan).allowed_ip_name_lookups.empty());
}

TEST_F(PlanFromConfigTest, KeysOfDevComeBeforeThoseOfBuild) {
  const DevPlan plan = planOf(
      "build: {command: make, component_path: a.wasm, env: {A: '1', B: '1'}}\n"
      "dev: {command: make dev, component_path: b.wasm, environment: {B: '2'}}\n");
  const project::BuildSettings& build = plan.projects[0].build;
  EXPECT_EQ(build.command, "make dev");
  EXPECT_EQ(build.component_path, "b.wasm");
  EXPECT_EQ(build.env, (StringMap{{"A", "1"}, {"B", "2"}}));
}

TEST_F(PlanFromConfigTest, FlagsAreStrongest) {
  request_.flags = {{"dev.address", "127.0.0.1:0", "--address"}};
  EXPECT_EQ(planOf("dev: {address: '127.0.0.1:9'}").server.address, "127.0.0.1:0");
}

TEST_F(PlanFromConfigTest, WithoutABuildTheComponentIsAFile) {
  request_.no_build = true;
  const DevPlan plan = planOf("build: {component_path: out/a.wasm}");
  EXPECT_TRUE(plan.projects.empty());
  EXPECT_EQ(plan.components[0].spec.file, folder_.path("out/a.wasm"));
  EXPECT_NE(refusal("", ErrorCode::kInvalidArgument).find("component_path"), std::string::npos);
}

TEST_F(PlanFromConfigTest, ValuesComeFromAllLayers) {
  folder_.write("values.env", "A=file\nB=file\n");
  const DevPlan plan = planOf(
      "workload:\n"
      "  environment: {config: {A: inline, C: inline}, configFrom: [f], secretFrom: [s]}\n"
      "  config: {x: '1', y: '1'}\n"
      "  allowedHosts: [a.example]\n"
      "configs: {f: {file: values.env}}\n"
      "secrets: {s: {fromEnv: [TOKEN]}}\n"
      "dev:\n"
      "  components:\n"
      "    - {name: back, file: b.wasm, environment: {config: {C: own}}, config: {y: '2'},\n"
      "       allowedHosts: [], poolSize: 2, maxConcurrency: 3}\n");
  EXPECT_EQ(resources(plan).environment,
            (StringMap{{"A", "file"}, {"B", "file"}, {"C", "inline"}, {"TOKEN", "secret"}}));
  EXPECT_EQ(resources(plan).allowed_hosts, Names{"a.example"});
  const host::ComponentSpec& back = plan.components.at(1).spec;
  EXPECT_EQ(back.name, "back");
  EXPECT_EQ(back.file, folder_.path("b.wasm"));
  EXPECT_EQ(back.pool_size, 2U);
  EXPECT_EQ(back.max_concurrency, 3U);
  EXPECT_EQ(back.local_resources.environment.at("C"), "own");
  EXPECT_EQ(back.local_resources.config, (StringMap{{"x", "1"}, {"y", "2"}}));
  EXPECT_TRUE(back.local_resources.allowed_hosts.empty());
}

TEST_F(PlanFromConfigTest, WhatItWasMadeOfIsKnown) {
  folder_.write("values.env", "A=1\n");
  const DevPlan plan =
      planOf("workload: {environment: {configFrom: [f]}}\nconfigs: {f: {file: values.env}}\n");
  for (const std::string& file :
       {folder_.path(".wash/config.yaml"), folder_.path(".wash/config.toml"),
        folder_.path("values.env"), folder_.path("user.yaml")})
    EXPECT_NE(std::ranges::find(plan.sources, file), plan.sources.end()) << file;
}

TEST_F(PlanFromConfigTest, HooksAddToTheEnvironment) {
  request_.environment = {{"A", "hook"}};
  const DevPlan plan = planOf("workload: {environment: {config: {A: '1'}}}");
  EXPECT_EQ(resources(plan).environment.at("A"), "hook");
  EXPECT_EQ(plan.projects[0].build.env.at("A"), "hook");
}

TEST_F(PlanFromConfigTest, AnotherProjectIsBuiltByItsOwnConfiguration) {
  folder_.write("back/.wash/config.yaml", "build: {command: make back, component_path: b.wasm}");
  const DevPlan plan = planOf("dev: {components: [{name: back, project: back}]}");
  ASSERT_EQ(plan.projects.size(), 2U);
  EXPECT_EQ(plan.projects[1].component, "back");
  EXPECT_EQ(plan.projects[1].folder, folder_.path("back"));
  EXPECT_EQ(plan.projects[1].build.command, "make back");
  EXPECT_EQ(plan.components[1].project, 1U);
}

TEST_F(PlanFromConfigTest, TheFolderOfAnotherProjectMayBeWrittenWithASlashOrADot) {
  folder_.write("lib/in/.wash/config.yaml", "build: {command: make}");
  const auto folderOf = [&](const std::string& written) {
    const DevPlan plan = planOf("dev: {components: [{name: in, project: \"" + written + "\"}]}");
    return plan.projects.at(1).folder;
  };
  for (const std::string written : {"lib/in/", "./lib/in/.", "lib/../lib//in/"})
    EXPECT_EQ(folderOf(written), folder_.path("lib/in")) << written;
  EXPECT_EQ(folderOf("."), folder_.path());
}

TEST_F(PlanFromConfigTest, VolumesAreSeenByAllComponents) {
  const DevPlan plan = planOf(
      "dev: {volumes: [{host_path: data, guest_path: /data}],\n"
      "      components: [{name: back, file: b.wasm}]}");
  ASSERT_EQ(plan.volumes.size(), 1U);
  EXPECT_EQ(plan.volumes[0].host_path, folder_.path("data"));
  for (std::size_t i : {0, 1})
    EXPECT_EQ(resources(plan, i).volume_mounts.at(0).mount_path, "/data");
}

TEST_F(PlanFromConfigTest, RoutesLeadToComponents) {
  const std::string own = planOf("").components[0].spec.name;
  const DevPlan plan = planOf(
      "dev:\n"
      "  components: [{name: back, file: b.wasm}]\n"
      "  routes:\n"
      "    - {host: Api.Test, path: /v1/, methods: [GET, HEAD], component: back}\n"
      "    - {}\n");
  EXPECT_EQ(
      plan.routes,
      (std::vector<host::RouteSpec>{
          {.host = "api.test", .path = "/v1", .methods = {"GET", "HEAD"}, .component = "back"},
          {.host = "", .path = "/", .methods = {}, .component = own}}));
  EXPECT_TRUE(planOf("").routes.empty());
}

TEST_F(PlanFromConfigTest, RoutesThatCannotBeAreRefused) {
  const std::pair<std::string, std::string> cases[] = {
      {"{component: other}", "dev.routes[0]: there is no component \"other\""},
      {"{component: back}", "dev.routes[0]: \"back\" is of dev.host_plugins"},
      {"{path: v1}", "dev.routes[0]: "},
      {"{host: 'a b'}", "dev.routes[0]: "},
      {"{methods: [get]}", "dev.routes[0]: "},
      {"{methods: [GET, GET]}", "dev.routes[0]: duplicate method GET"},
      {"{path: /a}, {path: /a/}", "dev.routes[1] is for the same requests as dev.routes[0]"},
  };
  for (const auto& [routes, said] : cases) {
    const std::string message =
        refusal("dev: {host_plugins: [{id: back, file: b.wasm}], routes: [" + routes + "]}",
                ErrorCode::kInvalidArgument);
    EXPECT_NE(message.find(said), std::string::npos) << message;
  }
}

TEST_F(PlanFromConfigTest, BackendsAndConnectionsAreTakenOver) {
  const DevPlan plan = planOf(
      "dev:\n"
      "  wasi_keyvalue_path: kv.db\n"
      "  wasi_keyvalue_redis_url: redis://:secret@a/1\n"
      "  wasi_keyvalue_nats_url: nats://b:4222\n"
      "  data_nats_url: nats://a:4222\n"
      "  max_connections: 7\n"
      "  max_outbound_http_connections_per_workload: 8\n"
      "  max_outbound_socket_connections_per_workload: 9\n"
      "  http_connection_wait: 2s\n"
      "  http_client_trust_roots: extra-only\n"
      "  http_client_ca_paths: [ca.pem]\n"
      "  tls_cert_path: cert.pem\n"
      "  tls_key_path: key.pem\n"
      "  host_interfaces: [{namespace: wasi, package: keyvalue, interfaces: [store]}]\n");
  EXPECT_EQ(plan.server.keyvalue_path, folder_.path("kv.db"));
  EXPECT_EQ(plan.server.keyvalue_redis_url, "redis://:secret@a/1");
  EXPECT_EQ(plan.server.keyvalue_nats_url, "nats://b:4222");
  EXPECT_EQ(plan.server.nats_url, "nats://a:4222");
  EXPECT_EQ(plan.server.max_connections, 7U);
  EXPECT_EQ(plan.server.max_outgoing_connections, 8U);
  EXPECT_EQ(plan.server.max_outgoing_sockets, 9U);
  EXPECT_EQ(plan.server.connection_wait_ms, 2000U);
  EXPECT_FALSE(plan.server.system_roots);
  EXPECT_EQ(plan.server.client_ca_paths, Names{folder_.path("ca.pem")});
  EXPECT_EQ(plan.server.tls_certificate, folder_.path("cert.pem"));
}

TEST_F(PlanFromConfigTest, TrustRootsAreThoseOfTheSystemOfTheProgramOrBoth) {
  const auto roots = [&](const std::string& dev) {
    const ServerSettings server = planOf("dev: {" + dev + "}").server;
    return std::pair(server.system_roots, server.web_roots);
  };
  EXPECT_EQ(roots(""), std::pair(true, false));
  EXPECT_EQ(roots("http_client_trust_roots: native"), std::pair(true, false));
  EXPECT_EQ(roots("http_client_trust_roots: webpki"), std::pair(false, true));
  EXPECT_EQ(roots("http_client_trust_roots: webpki-and-native"), std::pair(true, true));
  EXPECT_EQ(roots("http_client_trust_roots: extra-only"), std::pair(false, false));
}

TEST_F(PlanFromConfigTest, WhatComponentsWriteIsNoSourceUnlessTheUserSaysSo) {
  const DevPlan plan = planOf(
      "dev:\n"
      "  wasi_keyvalue_path: kv.db\n"
      "  wasi_blobstore_path: blobs\n"
      "  watch_ignore: ['*.md', '!/files/']\n"
      "  volumes: [{host_path: files/, guest_path: /a}, {host_path: 'a*b', guest_path: /b},\n"
      "    {host_path: ., guest_path: /c}, {host_path: ../other, guest_path: /d}]\n");
  EXPECT_EQ(plan.projects.at(0).ignored,
            (Names{"/kv.db", "/kv.db-wal", "/kv.db-shm", "/kv.db-journal", "/files/", "/a\\*b/",
                   "/blobs/", "*.md", "!/files/"}));
  EXPECT_EQ(plan.blobstore_path, folder_.path("blobs"));
}

TEST_F(PlanFromConfigTest, WhatCannotBeHonouredIsRefusedByName) {
  const std::pair<std::string, std::string> cases[] = {
      {"service_ports", "[{name: a, port: 80, protocol: UDP}], service_file: s.wasm"},
      {"host_plugins", "[{id: a, file: a.wasm, ports: [{name: a, port: 80}]}]"},
      {"postgres_url", "postgres://a"},
      {"wasi_otel", "true"},
      {"wasi_webgpu", "true"},
      {"wasm_proposals", "[gc, stack-switching]"},
  };
  for (const auto& [key, value] : cases) {
    const std::string message =
        refusal("dev: {" + key + ": " + value + "}", ErrorCode::kUnsupported);
    EXPECT_NE(message.find("dev." + key), std::string::npos) << message;
    EXPECT_NE(message.find("config.yaml:1"), std::string::npos) << message;
  }
}

TEST_F(PlanFromConfigTest, TheProjectsComponentMayBeTheService) {
  const DevPlan plan = planOf(
      "workload: {environment: {config: {A: b}}}\n"
      "dev: {service: true, components: [{name: web, file: web.wasm}], routes: [{path: /x}]}");
  ASSERT_EQ(plan.components.size(), 2U);
  EXPECT_TRUE(plan.components[0].service);
  EXPECT_EQ(plan.components[0].spec.local_resources.environment.at("A"), "b");
  EXPECT_FALSE(plan.components[1].service);
  EXPECT_EQ(plan.routes.at(0).component, "web") << "before the service";
}

TEST_F(PlanFromConfigTest, AServiceMayLieBesideTheProject) {
  const DevPlan file = planOf(
      "workload: {environment: {config: {A: b}}}\n"
      "dev: {service_file: s.wasm, volumes: [{host_path: d, guest_path: /d}]}");
  ASSERT_EQ(file.components.size(), 2U);
  const PlannedComponent& service = file.components[1];
  EXPECT_TRUE(service.service);
  EXPECT_EQ(service.spec.name, "service");
  EXPECT_EQ(service.spec.file, folder_.path("s.wasm"));
  EXPECT_EQ(service.spec.local_resources.environment.at("A"), "b");
  EXPECT_EQ(service.spec.local_resources.volume_mounts.size(), 1U);
  const DevPlan image = planOf("dev: {service_image: 'r.example/a:1', service_pull_policy: never}");
  EXPECT_EQ(image.components[1].spec.image, "r.example/a:1");
  EXPECT_EQ(image.components[1].spec.pull_policy, oci::PullPolicy::kNever);
}

TEST_F(PlanFromConfigTest, ServicesMayHaveRoutes) {
  const DevPlan alone = planOf("dev: {service: true, routes: [{path: /x}]}");
  EXPECT_EQ(alone.routes.at(0).component, alone.components[0].spec.name);
  const DevPlan named = planOf("dev: {service_file: s.wasm, routes: [{component: service}]}");
  EXPECT_EQ(named.routes.at(0).component, "service");
}

TEST_F(PlanFromConfigTest, ThereIsOneService) {
  const std::pair<std::string, std::string> cases[] = {
      {"dev: {service: true, service_file: s.wasm}",
       "dev.service_file: with dev.service the project's component is the service"},
      {"dev: {service_file: s.wasm, components: [{name: service, file: a.wasm}]}",
       "dev.service: \"service\" is the name of another component"},
  };
  for (const auto& [config, expected] : cases) {
    const std::string message = refusal(config, ErrorCode::kInvalidArgument);
    EXPECT_NE(message.find(expected), std::string::npos) << message;
  }
}

TEST_F(PlanFromConfigTest, PortsOfTheServiceArePublishedWhereHttpIsServed) {
  const std::string ports =
      "service_ports: [{name: inside, port: 7000}, {name: cache, port: 6379, publish: 16379}]";
  const DevPlan plan = planOf("dev: {service: true, address: '127.0.0.2:0', " + ports + "}");
  const host::ServicePort expected{.name = "cache",
                                   .port = 6379,
                                   .published_at = "127.0.0.2:16379",
                                   .origin = "dev.service_ports[1].publish"};
  EXPECT_EQ(plan.service_ports, std::vector{expected});
  EXPECT_EQ(plan.max_inbound_connections, 256U);
  const DevPlan bounded = planOf(
      "dev: {service: true, address: 'unix:/run/a.sock', "
      "max_inbound_socket_connections_per_workload: 7, " +
      ports + "}");
  EXPECT_EQ(bounded.service_ports.at(0).published_at, "127.0.0.1:16379");
  EXPECT_EQ(bounded.max_inbound_connections, 7U);
}

TEST_F(PlanFromConfigTest, AComponentCanBeAnImage) {
  const DevPlan plan = planOf(
      "dev: {allow_insecure_registries: true, "
      "components: [{name: a, image: 'r.example/a:1', pullPolicy: always}]}");
  ASSERT_EQ(plan.components.size(), 2U);
  EXPECT_EQ(plan.components[1].spec.image, "r.example/a:1");
  EXPECT_EQ(plan.components[1].spec.pull_policy, oci::PullPolicy::kAlways);
  EXPECT_TRUE(plan.server.plain_registries);
}

TEST_F(PlanFromConfigTest, ProposalsThatAreAlwaysOnMayBeNamed) {
  const DevPlan plan = planOf(
      "dev: {wasm_proposals: [component-model-async, exception-handling, gc, tail-call, "
      "threads]}");
  EXPECT_EQ(plan.server.proposals, engine::Proposals{});
}

TEST_F(PlanFromConfigTest, ProposalsAreSwitchedOnByName) {
  const DevPlan plan = planOf("dev: {wasm_proposals: [wide-arithmetic, gc]}");
  EXPECT_EQ(plan.server.proposals, (engine::Proposals{.wide_arithmetic = true}));
  const DevPlan map = planOf("dev: {wasm_proposals: [component_model_map]}");
  EXPECT_EQ(map.server.proposals, (engine::Proposals{.component_model_map = true}));
  EXPECT_EQ(differingKeys(plan.server, map.server), Names{"dev.wasm_proposals"});
}

TEST_F(PlanFromConfigTest, AHostPluginHasItsOwnValuesAndHostsOnly) {
  const std::string digest = "sha256:" + std::string(64, 'a');
  const DevPlan plan = planOf(
      "configs: {shared: {inline: {a: b}}}\n"
      "workload: {config: {mine: x}, allowedHosts: [example.com]}\n"
      "dev:\n"
      "  volumes: [{host_path: data, guest_path: /data}]\n"
      "  host_plugins:\n"
      "    - {id: blobs, file: blobs.wasm, expectedDigest: '" +
      digest +
      "', maxRestarts: 2, config: {c: d}, configFrom: [shared], allowedHosts: [s3.example]}\n"
      "    - {id: far, image: 'r.example/far:1', pullPolicy: never}\n");
  ASSERT_EQ(plan.components.size(), 3U);
  const PlannedComponent& blobs = plan.components[1];
  EXPECT_TRUE(blobs.host_plugin);
  EXPECT_EQ(blobs.spec.name, "blobs");
  EXPECT_EQ(blobs.spec.file, folder_.path("blobs.wasm"));
  EXPECT_EQ(blobs.spec.digest, digest);
  EXPECT_EQ(blobs.spec.shared, host::SharedSpec{.max_restarts = 2});
  EXPECT_EQ(blobs.spec.timeout_ms, 30'000U);
  EXPECT_EQ(blobs.spec.local_resources.config, (host::StringMap{{"a", "b"}, {"c", "d"}}));
  EXPECT_EQ(blobs.spec.local_resources.allowed_hosts, Names{"s3.example"});
  EXPECT_TRUE(blobs.spec.local_resources.volume_mounts.empty());
  const host::ComponentSpec& far = plan.components[2].spec;
  EXPECT_EQ(far.image, "r.example/far:1");
  EXPECT_EQ(far.pull_policy, oci::PullPolicy::kNever);
  EXPECT_EQ(far.shared, host::SharedSpec{});
  EXPECT_TRUE(far.local_resources.allowed_hosts.empty());
}

TEST_F(PlanFromConfigTest, AHostPluginNeedsANameOfItsOwn) {
  for (const std::string& list :
       {std::string("{id: A_b, file: a.wasm}"), std::string("{id: plugin-x, file: a.wasm}"),
        "{id: " + std::string(51, 'a') + ", file: a.wasm}"})
    EXPECT_NE(refusal("dev: {host_plugins: [" + list + "]}", ErrorCode::kInvalidArgument)
                  .find("dev.host_plugins"),
              std::string::npos);
}

TEST_F(PlanFromConfigTest, ANameThatIsTakenIsRefused) {
  const std::string own = project::componentNameOf(folder_.path());
  EXPECT_NE(
      refusal("dev: {components: [{name: " + own + ", file: a.wasm}]}", ErrorCode::kInvalidArgument)
          .find(own),
      std::string::npos);
}

TEST(ComponentNameOfTest, IsADnsLabel) {
  EXPECT_EQ(project::componentNameOf("/a/HTTP_Hello 2"), "http-hello-2");
  EXPECT_EQ(project::componentNameOf("/a/--x--"), "x");
  EXPECT_EQ(project::componentNameOf("/a/日本"), "app");
  EXPECT_EQ(project::componentNameOf("/a/plugin-x"), "app");
  EXPECT_EQ(project::componentNameOf("/a/" + std::string(100, 'x')), std::string(63, 'x'));
}

}  // namespace
}  // namespace nimbus::dev
