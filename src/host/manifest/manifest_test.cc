#include "host/manifest/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fmt/format.h>

namespace nimbus::host {
namespace {

using ::testing::ElementsAre;

constexpr std::string_view kSmallest =
    "name: hello\ncomponents:\n  - name: web\n    file: a.wasm\n";

Result<WorkloadSpec> parse(std::string_view text) {
  return parseManifest(text, "m.yaml", "/srv/workloads");
}

std::string errorOf(std::string_view text) {
  const auto spec = parse(text);
  return spec ? "" : spec.error().message();
}

// The smallest manifest with `lines` appended; they begin on line 5.
std::string with(std::string_view lines) { return std::string(kSmallest) + std::string(lines); }

constexpr std::string_view kEverything = R"(name: shop
namespace: team-a
annotations: {owner: "me"}
labels: {app: shop}
components:
  - name: web
    file: build/web.wasm
    digest: sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
    poolSize: 4
    maxInvocations: 1000
    maxConcurrency: 16
    timeout: 10s
    idleTimeoutMs: 60000
    maxInstances: 100
    maxQueue: 50
    queueTimeout: 250ms
    localResources:
      memoryLimitMb: 64
      cpuLimit: 500
      maxSockets: 3
      maxFiles: 4
      environment:
        config: {LOG: debug}
      config: {greeting: "hi"}
      allowedHosts: ["https://api.example", "*.example.org:8443"]
      allowedIpNameLookups: ["*"]
      allowedHostLoopbackPorts: [5432, "53/udp"]
      volumeMounts:
        - {name: data, mountPath: /data/, readOnly: true}
        - {name: scratch, mountPath: /tmp}
  - name: admin
    file: /opt/admin.wasm
hostInterfaces:
  - namespace: wasi
    package: http
    interfaces: [incoming-handler]
    version: 0.2.3
    config: {host: Shop.example, host-aliases: "www.shop.example, shop.test"}
  - {namespace: wasi, package: keyvalue, provider: keyvalue-memory, config: {max-keys: "10"}}
  - {namespace: wasi, package: keyvalue, name: cache, provider: "unix:/run/cache.sock"}
volumes:
  - name: data
    hostPath: {path: /var/data}
  - name: scratch
    ephemeral: {}
  - name: cache
    ephemeral: {sizeLimit: 64Mi}
http:
  routes:
    - {host: shop.example, path: /admin/, methods: [GET, POST], component: admin}
    - {host: "*.shop.example", method: GET, component: web}
)";

TEST(Manifest, AnEntryWithoutAPackageIsAboutWhatWorldsDefine) {
  const auto spec = parse(with("hostInterfaces: [{interfaces: [stock], provider: \"unix:/s\"}]\n"));
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_EQ(packageOf(spec->host_interfaces[0]), "");
  EXPECT_EQ(nameOf(spec->host_interfaces[0]), "stock");
  const auto again = parse(toJson(*spec));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(again->host_interfaces, spec->host_interfaces);
}

TEST(Manifest, ReadsTheSmallestOne) {
  const auto spec = parse(kSmallest);
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_EQ(spec->id(), "default/hello");
  ASSERT_EQ(spec->components.size(), 1U);
  EXPECT_EQ(spec->components[0].file, "/srv/workloads/a.wasm");
  EXPECT_EQ(spec->components[0].pool_size, 0U);
  EXPECT_EQ(spec->components[0].max_concurrency, 1U);
  EXPECT_TRUE(spec->routes.empty());
  EXPECT_TRUE(checkRunnable(*spec));
}

TEST(Manifest, ReadsEverything) {
  const auto spec = parse(kEverything);
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_EQ(spec->id(), "team-a/shop");
  const ComponentSpec& web = spec->components[0];
  EXPECT_EQ(web.file, "/srv/workloads/build/web.wasm");
  EXPECT_EQ(web.pool_size, 4U);
  EXPECT_EQ(web.max_invocations, 1000U);
  EXPECT_EQ(web.max_concurrency, 16U);
  EXPECT_EQ(web.timeout_ms, 10'000U);
  EXPECT_EQ(web.idle_timeout_ms, 60'000U);
  EXPECT_EQ(web.max_instances, 100U);
  EXPECT_EQ(web.max_queue, 50U);
  EXPECT_EQ(web.queue_timeout_ms, 250U);
  const LocalResources& local = web.local_resources;
  EXPECT_EQ(local.memory_limit_mb, 64U);
  EXPECT_EQ(local.cpu_limit_ms, 500U);
  EXPECT_EQ(local.max_sockets, 3U);
  EXPECT_EQ(local.max_files, 4U);
  EXPECT_EQ(local.environment, (StringMap{{"LOG", "debug"}}));
  EXPECT_EQ(local.allowed_host_loopback_ports, (std::vector<std::string>{"5432", "53/udp"}));
  EXPECT_EQ(local.volume_mounts[0], (VolumeMount{"data", "/data", true}));
  EXPECT_EQ(spec->host_interfaces[1].provider, "keyvalue-memory");
  EXPECT_EQ(spec->host_interfaces[2].name, "cache");
  EXPECT_EQ(spec->volumes[0], (VolumeSpec{"data", "/var/data"}));
  EXPECT_EQ(spec->volumes[1], (VolumeSpec{"scratch", ""}));
  EXPECT_EQ(spec->volumes[2], (VolumeSpec{"cache", "", 64U << 20}));
  EXPECT_EQ(spec->routes[0], (RouteSpec{"shop.example", "/admin", {"GET", "POST"}, "admin"}));
  EXPECT_EQ(spec->routes[1], (RouteSpec{"*.shop.example", "/", {"GET"}, "web"}));
}

TEST(Manifest, MakesRoutesOfTheHostsOfWasiHttp) {
  const auto spec = parse(kEverything);
  ASSERT_TRUE(spec);
  ASSERT_EQ(spec->routes.size(), 5U);
  EXPECT_EQ(spec->routes[2], (RouteSpec{"shop.example", "/", {}, "web"}));
  EXPECT_EQ(spec->routes[3].host, "www.shop.example");
  EXPECT_EQ(spec->routes[4].host, "shop.test");
}

TEST(Manifest, AWrittenRouteTakesPrecedenceOverOneOfAnInterface) {
  const auto spec = parse(
      "name: a\ncomponents:\n  - {name: x, file: x}\n  - {name: y, file: y}\n"
      "hostInterfaces: [{namespace: wasi, package: http, config: {host: h.test}}]\n"
      "http: {routes: [{host: h.test, component: y}]}\n");
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_EQ(spec->routes, (std::vector<RouteSpec>{{"h.test", "/", {}, "y"}}));
}

TEST(Manifest, JsonOfASpecReadsBackTheSame) {
  for (const std::string_view text : {kSmallest, kEverything}) {
    const auto spec = parse(text);
    ASSERT_TRUE(spec);
    const auto again = parseManifest(toJson(*spec), "j", "");
    ASSERT_TRUE(again) << again.error().message() << "\n" << toJson(*spec);
    EXPECT_EQ(*again, *spec);
    EXPECT_EQ(toJson(*again), toJson(*spec));
  }
}

TEST(Manifest, JsonKeepsTextThatLooksLikeSomethingElse) {
  WorkloadSpec spec = parse(kSmallest).value();
  spec.components[0].local_resources.environment = {{"config", "x"}, {"A", "true"},
                                                    {"B", "8"},      {"C", "a\"b\\c\n\t\U0001F600"},
                                                    {"D", "null"},   {"E", ""}};
  const auto again = parseManifest(toJson(spec), "j", "");
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, spec);
}

TEST(Manifest, JsonKeepsWhatIsRefused) {
  const auto spec = parse(with("    localResources: {environment: {secretFrom: [{name: s}]}}\n"));
  ASSERT_TRUE(spec) << spec.error().message();
  const auto again = parseManifest(toJson(*spec), "j", "");
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, *spec);
  EXPECT_EQ(checkRunnable(*again).error().message(),
            "this host does not support components[0].localResources.environment.secretFrom");
}

TEST(Manifest, ReadsTheKubernetesForm) {
  const auto spec = parse(R"(apiVersion: runtime.wasmcloud.dev/v1alpha1
kind: Workload
metadata: {name: hello, namespace: prod, labels: {a: b}}
spec:
  components: [{name: web, file: a.wasm}]
  http: {routes: [{path: /}]}
)");
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_EQ(spec->id(), "prod/hello");
  EXPECT_EQ(spec->labels, (StringMap{{"a", "b"}}));
  EXPECT_EQ(spec->routes[0].component, "web");
}

TEST(Manifest, RefusesOtherKinds) {
  EXPECT_EQ(errorOf("apiVersion: nimbus/v1\nkind: Deployment\nmetadata: {name: a}\n"
                    "spec: {components: [{name: x, file: x}]}\n"),
            "m.yaml:2: kind: expected Workload, found \"Deployment\"");
  EXPECT_EQ(errorOf("apiVersion: v9\nkind: Workload\nmetadata: {name: a}\n"
                    "spec: {components: [{name: x, file: x}]}\n"),
            "m.yaml:1: apiVersion: expected runtime.wasmcloud.dev/v1alpha1 or nimbus/v1, found "
            "\"v9\"");
  EXPECT_EQ(errorOf("kind: Workload\nmetadata: {name: a}\nspec: {}\n"),
            "m.yaml:1: apiVersion is missing");
}

TEST(Manifest, NamesTheNearestKeyOfAnUnknownOne) {
  EXPECT_EQ(errorOf(with("    poolsize: 3\n")),
            "m.yaml:5: unknown key \"poolsize\" in components[0]; did you mean \"poolSize\"?");
  EXPECT_EQ(errorOf(with("nmae: x\n")), "m.yaml:5: unknown key \"nmae\"; did you mean \"name\"?");
  EXPECT_EQ(errorOf(with("    zzzzzzzz: 3\n")),
            "m.yaml:5: unknown key \"zzzzzzzz\" in components[0]");
}

TEST(Manifest, TellsTheFirstProblemOfTheText) {
  EXPECT_EQ(
      errorOf("name: hello\ncomponents:\n  - name: Web\n    file: a\n    oops: 1\n").substr(0, 21),
      "m.yaml:3: components[");
}

struct BadCase {
  std::string_view lines;
  std::string_view message;
};

TEST(Manifest, NamesWhatWasExpectedAndFound) {
  const BadCase cases[] = {
      {"    poolSize: many\n",
       "components[0].poolSize: expected a whole number from 0 to 10000, found the string "
       "\"many\""},
      {"    poolSize: \"3\"\n",
       "components[0].poolSize: expected a whole number from 0 to 10000, found the string \"3\""},
      {"    poolSize: -1\n",
       "components[0].poolSize: expected a whole number from 0 to 10000, found the number -1"},
      {"    poolSize: 1.5\n",
       "components[0].poolSize: expected a whole number from 0 to 10000, found the number 1.5"},
      {"    poolSize: [1]\n",
       "components[0].poolSize: expected a whole number from 0 to 10000, found a list"},
      {"    poolSize:\n",
       "components[0].poolSize: expected a whole number from 0 to 10000, found nothing"},
      {"    timeout: 10\n",
       "components[0].timeout: expected a duration such as \"250ms\", \"10s\", \"5m\" or \"1h\", "
       "found the number 10"},
      {"    timeout: 0s\n",
       "components[0].timeout: expected a duration from 1ms to 24h, found the string \"0s\""},
      {"    timeout: 1s\n    timeoutMs: 1000\n",
       "components[0].timeout and components[0].timeoutMs say the same; keep one"},
      {"    localResources: {environment: {PORT: 8080}}\n",
       "components[0].localResources.environment[\"PORT\"]: expected a string, found the number "
       "8080; put it in quotes"},
      {"    localResources: {environment: [A]}\n",
       "components[0].localResources.environment: expected a map of strings, found a list"},
      {"    localResources: []\n", "components[0].localResources: expected a map, found a list"},
      {"    localResources: {memoryLimitMb: 0}\n",
       "components[0].localResources.memoryLimitMb: expected a whole number from 1 to 1048576, "
       "found the number 0"},
      {"    localResources: {volumeMounts: [{name: v, mountPath: /v, readOnly: yes}]}\n"
       "volumes: [{name: v, ephemeral: {}}]\n",
       "components[0].localResources.volumeMounts[0].readOnly: expected true or false, found the "
       "string \"yes\""},
      {"    localResources: {allowedHostLoopbackPorts: [70000]}\n",
       "components[0].localResources.allowedHostLoopbackPorts: expected a port such as 5432 or "
       "\"53/udp\", found the number 70000"},
      {"    localResources: {allowedHosts: [\"a b\"]}\n",
       "components[0].localResources.allowedHosts: \"a b\": invalid host name or address"},
      {"    digest: sha256:abc\n",
       "components[0].digest: expected \"sha256:\" and 64 lower-case hexadecimal digits, found "
       "\"sha256:abc\""},
      {"http: {routes: {}}\n", "http.routes: expected a list, found a map"},
  };
  for (const auto& [lines, message] : cases) {
    const std::string error = errorOf(with(lines));
    EXPECT_EQ(error.substr(error.find(": ") + 2), message) << lines;
  }
}

TEST(Manifest, RefusesWhatDoesNotFitTogether) {
  const BadCase cases[] = {
      {"  - {name: web, file: b}\n", "m.yaml:5: duplicate component \"web\""},
      {"    image: r.example/x\n", "m.yaml:5: components[0]: expected one of file and image"},
      {"    imagePullPolicy: Always\n", "m.yaml:5: components[0].imagePullPolicy is for images"},
      {"  - {name: b, image: x}\n",
       "m.yaml:5: components[1].image: \"x\" is not a reference to an artifact: it names no "
       "registry; write REGISTRY/NAME, such as ghcr.io/acme/web:1.0"},
      {"  - {name: b, image: r.example/x, imagePullPolicy: Often}\n",
       "m.yaml:5: components[1].imagePullPolicy: expected Always or IfNotPresent or Never, found "
       "\"Often\""},
      {"  - {name: b}\n", "m.yaml:5: components[1]: expected one of file and image"},
      {"    localResources: {volumeMounts: [{name: v, mountPath: /v}]}\n",
       "m.yaml:5: components[0].localResources.volumeMounts[0]: the workload has no volume \"v\""},
      {"volumes: [{name: v}]\n", "m.yaml:5: volumes[0]: expected one of ephemeral and hostPath"},
      {"volumes: [{name: v, ephemeral: {sizeLimit: 64MB}}]\n",
       "m.yaml:5: volumes[0].ephemeral.sizeLimit: expected a number of bytes such as \"64Mi\", "
       "\"1Gi\" or 1000000, found the string \"64MB\""},
      {"volumes: [{name: v, ephemeral: {sizeLimit: 1Ki}}]\n",
       "m.yaml:5: volumes[0].ephemeral.sizeLimit: expected a number of bytes from 4Ki to "
       "1048576Ti, found the string \"1Ki\""},
      {"volumes: [{name: v, ephemeral: {size: 1Mi}}]\n",
       "m.yaml:5: unknown key \"size\" in volumes[0].ephemeral"},
      {"volumes: [{name: v, hostPath: {path: /v, sizeLimit: 1Mi}}]\n",
       "m.yaml:5: unknown key \"sizeLimit\" in volumes[0].hostPath"},
      {"volumes: [{name: v, ephemeral: {}}, {name: v, ephemeral: {}}]\n",
       "m.yaml:5: duplicate volume \"v\""},
      {"http: {routes: [{component: other}]}\n",
       "m.yaml:5: http.routes[0].component: the workload has no component \"other\""},
      {"  - {name: b, file: b}\nhttp: {routes: [{path: /}]}\n",
       "m.yaml:6: http.routes[0].component is missing; the workload has 2 components"},
      {"http:\n  routes:\n    - {path: /a}\n    - {path: /a/}\n",
       "m.yaml:8: http.routes[1] claims the same requests as http.routes[0]"},
      {"http: {routes: [{path: /a, methods: [GET, PUT]}, {path: /a, method: PUT}]}\n",
       "m.yaml:5: http.routes[1] claims the same requests as http.routes[0]"},
      {"http: {routes: [{host: \"a:80\"}]}\n",
       "m.yaml:5: http.routes[0].host: \"a:80\" has a port; routes match the host name alone"},
      {"http: {routes: [{path: api}]}\n",
       "m.yaml:5: http.routes[0].path: \"api\" does not begin with /"},
      {"http: {routes: [{method: get}]}\n",
       "m.yaml:5: http.routes[0]: \"get\" is not a method; did you mean \"GET\"?"},
      {"http: {routes: [{methods: []}]}\n",
       "m.yaml:5: http.routes[0].methods is empty; leave it out to take every method"},
      {"    maxConcurrency: 2\n",
       "m.yaml:5: components[0].maxConcurrency: calls can only share an instance of a pool; set "
       "poolSize too"},
      {"    maxInvocations: 2\n",
       "m.yaml:5: components[0].maxInvocations: only an instance of a pool serves several calls; "
       "set poolSize too"},
      {"    poolSize: 5\n    maxInstances: 4\n",
       "m.yaml:5: components[0].poolSize is larger than maxInstances"},
      {"namespace: Team\n",
       "m.yaml:5: namespace: \"Team\" is not a DNS label (1 to 63 of a-z, 0-9 and \"-\", neither "
       "first nor last a \"-\")"},
      {"hostInterfaces: [{namespace: a, package: b, provider: Redis}]\n",
       "m.yaml:5: hostInterfaces[0].provider: \"Redis\" is not a provider; expected the name of a "
       "built-in provider, unix:PATH, tcp:HOST:PORT, nats:PREFIX, component:NAME or "
       "workload:[NAMESPACE/]NAME/COMPONENT"},
      {"hostInterfaces: [{package: http}]\n", "m.yaml:5: hostInterfaces[0].namespace is missing"},
      {"hostInterfaces: [{package: a, provider: \"unix:/s\"}]\n",
       "m.yaml:5: hostInterfaces[0].namespace is missing"},
      {"hostInterfaces: [{interfaces: [stock]}]\n",
       "m.yaml:5: hostInterfaces[0].namespace is missing"},
      {"hostInterfaces:\n  - {namespace: wasi, package: http, config: {host: \"a b\"}}\n",
       "m.yaml:6: hostInterfaces: \"a b\" is not a host name; expected \"a.example\", "
       "\"*.example\" or \"*\""},
  };
  for (const auto& [lines, message] : cases) EXPECT_EQ(errorOf(with(lines)), message) << lines;
}

TEST(Manifest, TheListsOfWhatMayBeReachedAreLimited) {
  const auto listOf = [](std::string_view key, std::string_view entry, std::size_t count) {
    std::string text = fmt::format("    localResources:\n      {}:\n", key);
    for (std::size_t i = 0; i < count; ++i) text += fmt::format("        - {}\n", entry);
    return with(text);
  };
  for (const auto& [key, entry] :
       {std::pair("allowedHosts", "a.example"), std::pair("allowedIpNameLookups", "a.example"),
        std::pair("allowedHostLoopbackPorts", "80")}) {
    EXPECT_EQ(errorOf(listOf(key, entry, 1024)), "");
    EXPECT_EQ(
        errorOf(listOf(key, entry, 1025)),
        fmt::format("m.yaml:6: components[0].localResources.{} has more than 1024 entries", key));
  }
}

TEST(Manifest, RoutesThatDifferInMethodDoNotCollide) {
  const auto spec = parse(
      with("http: {routes: [{path: /a}, {path: /a, method: PUT}, {path: /a, method: GET}]}\n"));
  EXPECT_TRUE(spec) << spec.error().message();
}

TEST(Manifest, NeedsAComponentAndAName) {
  EXPECT_EQ(errorOf("name: x\n"), "m.yaml:1: components is missing");
  EXPECT_EQ(errorOf("name: x\ncomponents: []\n"),
            "m.yaml:2: components: a workload needs at least one component");
  EXPECT_EQ(errorOf("components: [{name: a, file: a}]\n"), "m.yaml:1: name is missing");
}

TEST(Manifest, AMisspeltKeyIsToldAlsoWhereItIsRequired) {
  EXPECT_EQ(errorOf("nmae: x\ncomponents: [{name: a, file: a}]\n"),
            "m.yaml:1: unknown key \"nmae\"; did you mean \"name\"?");
  EXPECT_EQ(errorOf("name: x\ncompnents: [{name: a, file: a}]\n"),
            "m.yaml:2: unknown key \"compnents\"; did you mean \"components\"?");
  EXPECT_EQ(errorOf("name: x\ncomponents:\n  - name: a\n    fiel: a\n"),
            "m.yaml:4: unknown key \"fiel\" in components[0]; did you mean \"file\"?");
  EXPECT_EQ(errorOf("apiversion: nimbus/v1\nkind: Workload\nmetadata: {name: a}\nspec: {}\n"),
            "m.yaml:1: unknown key \"apiversion\"; did you mean \"apiVersion\"?");
}

TEST(Manifest, WithoutABaseFolderFilesMustBeAbsolute) {
  const auto spec = parseManifest(kSmallest, "request", "");
  ASSERT_FALSE(spec);
  EXPECT_EQ(spec.error().message(),
            "request:4: components[0].file: \"a.wasm\" must be an absolute path here");
}

TEST(Manifest, WhatIsLongerThanTheSystemTakesIsNotRepeated) {
  const std::string many(100'000, 'a');
  const auto file =
      parseManifest("name: a\ncomponents: [{name: web, file: /" + many + "}]\n", "a.yaml", "/w");
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().message(), "a.yaml:2: components[0].file: a path of more than 4095 bytes");
  const auto image = parseManifest(
      "name: a\ncomponents: [{name: web, image: r.example/" + many + "}]\n", "a.yaml", "/w");
  ASSERT_FALSE(image);
  EXPECT_LT(image.error().message().size(), 300U);
}

TEST(Manifest, AVariableMayBeCalledConfig) {
  const auto spec = parse(with("    localResources: {environment: {config: x, A: b}}\n"));
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_EQ(spec->components[0].local_resources.environment,
            (StringMap{{"A", "b"}, {"config", "x"}}));
}

std::string refusalOf(std::string_view text) {
  const auto spec = parse(text);
  if (!spec) return "does not parse: " + spec.error().message();
  const auto runnable = checkRunnable(*spec);
  if (runnable) return "";
  EXPECT_EQ(runnable.error().code(), ErrorCode::kUnsupported);
  return runnable.error().message();
}

TEST(Manifest, AnImageHasAPullPolicy) {
  const std::string text =
      "name: a\ncomponents: [{name: web, image: 'ghcr.io/x/y:1', imagePullPolicy: Always}]\n";
  const auto spec = parse(text);
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_TRUE(checkRunnable(*spec));
  EXPECT_EQ(spec->components[0].image, "ghcr.io/x/y:1");
  EXPECT_EQ(spec->components[0].pull_policy, oci::PullPolicy::kAlways);
  const auto again = parse(toJson(*spec));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, *spec);
}

TEST(Manifest, HasAService) {
  const auto spec =
      parse(with("service: {file: s.wasm, maxRestarts: 3, localResources: {cpuLimit: 7}}\n"));
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_TRUE(checkRunnable(*spec));
  EXPECT_EQ(spec->memberCount(), spec->components.size() + 1);
  const ComponentSpec& service = spec->member(spec->components.size());
  EXPECT_EQ(service.name, "service");
  EXPECT_TRUE(service.file.ends_with("/s.wasm")) << service.file;
  EXPECT_EQ(service.local_resources.cpu_limit_ms, 7U);
  EXPECT_EQ(spec->service->max_restarts, 3U);
  EXPECT_EQ(spec->describe(spec->member(0)), "component \"web\"");
  EXPECT_EQ(spec->describe(service), "service \"service\"");
  std::vector<std::string> members;
  for (const ComponentSpec& member : spec->members()) members.push_back(member.name);
  EXPECT_THAT(members, ElementsAre("web", "service"));
  const auto again = parse(toJson(*spec));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, *spec);
}

TEST(Manifest, AServiceMayBeAlone) {
  const auto spec = parse(
      "name: a\nservice: {name: watch, image: 'ghcr.io/x/y:1', "
      "imagePullPolicy: Never, maxRestarts: 0}\n");
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_TRUE(spec->components.empty());
  EXPECT_EQ(spec->service->component.name, "watch");
  EXPECT_EQ(spec->service->component.pull_policy, oci::PullPolicy::kNever);
  EXPECT_EQ(spec->service->max_restarts, 0U);
  const auto again = parse(toJson(*spec));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, *spec);
}

TEST(Manifest, AServiceMayServeRoutes) {
  const auto spec = parse(
      "name: a\n"
      "service: {file: s.wasm, timeout: 2s, maxConcurrency: 9, maxQueue: 3, queueTimeoutMs: 4}\n"
      "hostInterfaces: [{namespace: wasi, package: http, config: {host: x.test}}]\n"
      "http: {routes: [{path: /a}, {path: /b, component: service}]}\n");
  ASSERT_TRUE(spec) << spec.error().message();
  EXPECT_EQ(spec->service->component.timeout_ms, 2000U);
  EXPECT_EQ(spec->service->max_concurrency, 9U);
  EXPECT_EQ(spec->service->component.max_queue, 3U);
  EXPECT_EQ(spec->service->component.queue_timeout_ms, 4U);
  ASSERT_EQ(spec->routes.size(), 3U);
  for (const RouteSpec& route : spec->routes) EXPECT_EQ(route.component, "service");
  EXPECT_EQ(spec->routes[2].host, "x.test");
  const auto again = parse(toJson(*spec));
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_EQ(*again, *spec);

  const auto beside =
      parse(with("service: {file: s.wasm}\nhttp: {routes: [{path: /a}, {component: service}]}\n"));
  ASSERT_TRUE(beside) << beside.error().message();
  EXPECT_EQ(beside->routes[0].component, "web");
  EXPECT_EQ(beside->routes[1].component, "service");
}

TEST(Manifest, OnlyTheProgramAroundTheHostTakesRequestsOfComponents) {
  const auto with_provider = [](std::string_view provider, std::string_view interfaces) {
    return refusalOf(with(std::string("hostInterfaces: [{namespace: wasi, package: http, provider: "
                                      "\"") +
                          std::string(provider) + "\", interfaces: [" + std::string(interfaces) +
                          "]}]\n"));
  };
  EXPECT_EQ(with_provider("given:x", "incoming-handler, handler"), "");
  EXPECT_THAT(with_provider("given:x", "handler, types"), testing::HasSubstr("is the host's own"));
  EXPECT_THAT(with_provider("tcp:a:1", "handler"), testing::HasSubstr("is the host's own"));
}

TEST(Manifest, ChecksAService) {
  const auto problem = [](std::string_view service) {
    const auto spec = parse(with(service));
    return spec ? std::string("none") : spec.error().message();
  };
  EXPECT_EQ(problem("service: {maxRestarts: 3}\n"),
            "m.yaml:5: service: expected one of file and image");
  EXPECT_EQ(problem("service: {file: s.wasm, name: web}\n"),
            "m.yaml:5: a component has the name of the service, \"web\"");
  EXPECT_EQ(problem("service: {file: s.wasm, poolSize: 3}\n"),
            "m.yaml:5: unknown key \"poolSize\" in service");
  EXPECT_EQ(parse("name: a\ncomponents: [{name: service, file: c.wasm}]\n"
                  "service: {file: s.wasm}\n")
                .error()
                .message(),
            "m.yaml:3: a component has the name of the service, \"service\"; give the service "
            "another (name)");
}

TEST(Manifest, RefusesCharactersThatPathsAndVariablesOfGuestsCannotHold) {
  const auto mounted = [](std::string_view path) {
    return errorOf(
        with(fmt::format("    localResources: {{volumeMounts: [{{name: v, mountPath: {}}}]}}\n"
                         "volumes: [{{name: v, ephemeral: {{}}}}]\n",
                         path)));
  };
  const std::string where = "m.yaml:5: components[0].localResources.volumeMounts[0].mountPath: ";
  EXPECT_EQ(mounted(R"("/x\u0000y")"), where + R"("/x\u{0}y" holds a control character)");
  EXPECT_EQ(mounted(R"("/x\ny")"), where + R"("/x\ny" holds a control character)");
  EXPECT_EQ(mounted(R"("/x\u001b[31m")"), where + R"("/x\u{1b}[31m" holds a control character)");
  const std::string nul =
      "m.yaml:5: components[0].localResources.environment: the value of \"A\" holds a NUL";
  EXPECT_EQ(errorOf(with("    localResources: {environment: {A: \"x\\u0000y\"}}\n")), nul);
  EXPECT_EQ(errorOf(with("    localResources: {environment: {config: {A: \"\\0\"}}}\n")), nul);
  const auto spec = parse(with("    localResources: {environment: {A: \"x\\ny\"}}\n"));
  ASSERT_TRUE(spec) << spec.error().describe();
  EXPECT_EQ(spec->components[0].local_resources.environment, (StringMap{{"A", "x\ny"}}));
}

TEST(Manifest, RefusesByNameWhatCannotRunYet) {
  EXPECT_EQ(refusalOf(with("hostInterfaces: [{provider: keyvalue-sqlite}]\n")),
            "this host has no provider of the interface that a world defines itself; name one that "
            "has: provider: unix:PATH, tcp:HOST:PORT or nats:PREFIX");
  EXPECT_EQ(refusalOf(with("hostInterfaces: [{namespace: wasi, package: webgpu}]\n")),
            "this host has no provider of the interface wasi:webgpu; name one that has: provider: "
            "unix:PATH, tcp:HOST:PORT or nats:PREFIX");
  EXPECT_EQ(refusalOf(with("hostInterfaces: [{namespace: wasi, package: http, config: "
                           "{host: a, localRoute: b}}]\n")),
            "the interface wasi:http has no configuration \"localRoute\"");
  EXPECT_EQ(refusalOf(with("    localResources: {environment: {secretFrom: [{name: s}]}}\n")),
            "this host does not support components[0].localResources.environment.secretFrom");
  EXPECT_EQ(refusalOf(with("hostSelector: {hostgroup: x}\n")),
            "this host does not support hostSelector");
  EXPECT_EQ(refusalOf(with("hostInterfaces: [{namespace: wasi, package: http, version: 0.20}]\n")),
            "does not parse: m.yaml:5: hostInterfaces[0].version: expected a string, found the "
            "number 0.20; put it in quotes");
}

TEST(Manifest, TheBuiltInInterfacesNeedNoProvider) {
  for (const std::string_view package :
       {"http", "cli", "io", "clocks", "random", "filesystem", "sockets"})
    EXPECT_EQ(refusalOf(with(fmt::format("hostInterfaces: [{{namespace: wasi, package: {}, "
                                         "version: 0.2.6}}]\n",
                                         package))),
              "");
}

}  // namespace
}  // namespace nimbus::host
