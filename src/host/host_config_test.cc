#include "host/host_config.h"

#include <gmock/gmock.h>

#include "host/test_support.h"

namespace nimbus::host {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

Result<HostConfig> parse(std::string_view text) {
  return parseHostConfig(text, "h.yaml", "/etc/n");
}

std::string errorOf(std::string_view text) {
  const auto config = parse(text);
  return config ? "" : config.error().message();
}

constexpr std::string_view kEverything = R"(http:
  listeners:
    - address: 0.0.0.0:80
    - address: "[::]:443"
      tls:
        certificates:
          - {certificate: a.pem, key: /k/a.key}
        clientCa: ca.pem
  limits:
    maxConnections: 10
    maxBodyKb: 1024
    headerTimeout: 3s
probe: {address: 127.0.0.1:8081}
admin:
  socket: run/admin.sock
  address: 127.0.0.1:9000
  tokenFile: token
workloads: workloads
state: /var/lib/n
volumes: /var/tmp/n
shards: 4
accessLog: {path: "-", format: json}
log: {level: debug, format: json}
metrics: {byComponent: false}
limits:
  memoryMb: 2048
  memoryPerInstanceMb: 1024
  maxInstances: 500
  maxSockets: 600
  maxFiles: 601
  maxWorkloads: 7
  maxConcurrentStarts: 3
  retireTimeout: 5s
  maxComponentMb: 9
defaults:
  timeout: 20s
  cpuLimit: 250
  memoryLimitMb: 32
  maxTableElements: 500
  idleTimeout: 30s
  maxInstances: 11
  maxSockets: 12
  maxFiles: 13
  maxQueue: 0
  queueTimeoutMs: 40
engine:
  cache: cache
  cacheMb: 100
  selection: full
  proposals: [gc, wide-arithmetic]
  compileThreads: 1
  coreInstancesPerInstance: 2
egress:
  denySpecialRanges: false
  denyPrivateRanges: true
  allowHostLoopback: true
  systemRoots: false
  webRoots: true
  caFiles: [extra.pem]
  identity: {certificate: c.pem, key: c.key}
  maxConnectionsPerWorkload: 5
  maxSocketsPerWorkload: 0
  idleTimeout: 6s
  connectionWait: 7s
  resolveTimeout: 8s
keyvalue:
  maxMb: 7
  maxKeys: 8
  memoryMaxMb: 9
  memoryTotalMb: 10
  redis:
    url: rediss://me@cache.example/2
    passwordFile: redis-password
    prefix: platform
    connectTimeout: 3s
    responseTimeout: 4s
  nats: {prefix: n-1, storage: memory, replicas: 3, timeout: 2s, maxMb: 11}
registries:
  cache: images
  cacheMb: 7
  pullTimeout: 9s
  retryPause: 4s
  systemRoots: false
  caFiles: [registry.pem]
  insecure: ["localhost:5000"]
  dockerConfig: docker.json
  logins: [{registry: r.example, user: ali, passwordFile: password}]
nats:
  servers: ["tls://a:4222", "tls://b:4222"]
  user: me
  passwordFile: password
  tokenFile: token
  credentialsFile: /c/me.creds
  nkey: UABC
  nkeySeedFile: seed
  tls: {ca: ca.pem, certificate: c.pem, key: c.key, serverName: a.example}
drain: {delay: 1s, timeout: 9s}
)";

TEST(HostConfig, ReadsListenersAndTheirLimits) {
  const auto config = parse(kEverything);
  ASSERT_TRUE(config) << config.error().message();
  ASSERT_EQ(config->listeners.size(), 2U);
  EXPECT_EQ(config->listeners[0].address.toString(), "0.0.0.0:80");
  EXPECT_FALSE(config->listeners[0].tls);
  const net::TlsServerOptions& tls = *config->listeners[1].tls;
  EXPECT_EQ(tls.certificates[0].certificate_path, "/etc/n/a.pem");
  EXPECT_EQ(tls.certificates[0].key_path, "/k/a.key");
  EXPECT_EQ(tls.client_ca_path, "/etc/n/ca.pem");
  EXPECT_THAT(tls.alpn, ElementsAre("h2", "http/1.1", "http/1.0"));
  EXPECT_EQ(config->http_limits.max_connections, 10U);
  EXPECT_EQ(config->http_limits.max_body_bytes, 1024U * 1024);
  EXPECT_EQ(config->http_limits.header_timeout, seconds(3));
}

TEST(HostConfig, TheSocketOfAListenerStartsAtTheFolderOfTheFile) {
  const auto config = parse("http: {listeners: [{address: 'unix:h'}, {address: 'unix:/run/h'}]}\n");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->listeners[0].address.toString(), "unix:/etc/n/h");
  EXPECT_EQ(config->listeners[1].address.toString(), "unix:/run/h");
}

TEST(HostConfig, ReadsAddressesFoldersAndLogs) {
  const auto config = parse(kEverything);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->probe->port, 8081);
  EXPECT_EQ(config->admin.socket, "/etc/n/run/admin.sock");
  EXPECT_EQ(config->admin.address->port, 9000);
  EXPECT_EQ(config->admin.token_file, "/etc/n/token");
  EXPECT_EQ(config->workloads_folder, "/etc/n/workloads");
  EXPECT_EQ(config->state_folder, "/var/lib/n");
  EXPECT_EQ(config->volumes_folder, "/var/tmp/n");
  EXPECT_EQ(config->shards, 4U);
  EXPECT_EQ(config->access_log.path, "-");
  EXPECT_EQ(config->access_log.format, LogFormat::kJson);
  EXPECT_EQ(config->log_level, LogLevel::kDebug);
  EXPECT_EQ(config->metric_detail, MetricDetail::kTotals);
  EXPECT_EQ(config->log_format, LogFormat::kJson);
}

TEST(HostConfig, ReadsLimitsAndDefaults) {
  const auto config = parse(kEverything);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->engine.max_total_memory_bytes, 2048ULL << 20);
  EXPECT_EQ(config->engine.max_memory_bytes, 1024ULL << 20);
  EXPECT_EQ(config->engine.max_instances, 500U);
  EXPECT_EQ(config->max_sockets, 600U);
  EXPECT_EQ(config->max_files, 601U);
  EXPECT_EQ(config->manager.max_workloads, 7U);
  EXPECT_EQ(config->max_concurrent_starts, 3U);
  EXPECT_EQ(config->manager.retire_bound, seconds(5));
  EXPECT_EQ(config->max_component_bytes, 9ULL << 20);
  EXPECT_EQ(config->defaults.timeout, seconds(20));
  EXPECT_EQ(config->defaults.cpu_limit, milliseconds(250));
  EXPECT_EQ(config->defaults.max_memory_bytes, 32ULL << 20);
  EXPECT_EQ(config->defaults.max_table_elements, 500U);
  EXPECT_EQ(config->defaults.max_instances, 11U);
  EXPECT_EQ(config->defaults.max_sockets, 12U);
  EXPECT_EQ(config->defaults.max_files, 13U);
  EXPECT_EQ(config->defaults.max_queue, 0U);
  EXPECT_EQ(config->defaults.queue_timeout, milliseconds(40));
  EXPECT_EQ(config->engine.cache_folder, "/etc/n/cache");
  EXPECT_EQ(config->engine.cache_max_bytes, 100ULL << 20);
  EXPECT_EQ(config->engine.selection, engine::EngineOptions::Selection::kAlwaysFull);
  EXPECT_EQ(config->engine.proposals, (engine::Proposals{.wide_arithmetic = true}));
  EXPECT_EQ(config->engine.compile_threads, 1U);
  EXPECT_EQ(config->engine.core_instances_per_instance, 2U);
}

TEST(HostConfig, ReadsWhatKeyspacesMayHold) {
  EXPECT_EQ(*parse(kEverything)->keyvalue_quota.max_bytes, 7ULL << 20);
  EXPECT_EQ(*parse(kEverything)->keyvalue_quota.max_keys, 8U);
  EXPECT_EQ(*parse("{}")->keyvalue_quota.max_bytes, 1ULL << 30);
  EXPECT_EQ(parse(kEverything)->keyvalue_memory_bytes, 9ULL << 20);
  EXPECT_EQ(parse(kEverything)->keyvalue_memory.max_bytes, 10ULL << 20);
  EXPECT_LT(parse("{}")->keyvalue_memory_bytes, parse("{}")->keyvalue_memory.max_bytes);
  EXPECT_THAT(errorOf("keyvalue: {maxMb: 0}"), HasSubstr("keyvalue.maxMb"));
}

TEST(HostConfig, ReadsItsRedisServer) {
  const auto config = parse(kEverything);
  ASSERT_TRUE(config) << config.error().message();
  ASSERT_TRUE(config->keyvalue_redis);
  EXPECT_EQ(config->keyvalue_redis->url, "rediss://me@cache.example/2");
  EXPECT_EQ(config->keyvalue_redis->password_file, "/etc/n/redis-password");
  EXPECT_EQ(config->keyvalue_redis->prefix, "platform");
  EXPECT_EQ(config->keyvalue_redis->connect_timeout, std::chrono::seconds(3));
  EXPECT_EQ(config->keyvalue_redis->response_timeout, std::chrono::seconds(4));
  EXPECT_FALSE(parse("{}")->keyvalue_redis);
  EXPECT_EQ(parse("keyvalue: {redis: {url: 'redis://a'}}")->keyvalue_redis->prefix, "nimbus");
  EXPECT_THAT(errorOf("keyvalue: {redis: {}}"), HasSubstr("keyvalue.redis.url"));
  EXPECT_THAT(errorOf("keyvalue: {redis: {url: 'redis://:secret@a:x'}}"),
              AllOf(HasSubstr("keyvalue.redis.url: the URL of the Redis server: the port"),
                    Not(HasSubstr("secret"))));
  EXPECT_THAT(errorOf("keyvalue: {redis: {url: 'redis://a', prefix: 'a b'}}"),
              HasSubstr("keyvalue.redis.prefix"));
  EXPECT_THAT(errorOf("keyvalue: {redis: {prefix: 'a b'}}"), HasSubstr("keyvalue.redis.prefix"));
}

TEST(HostConfig, ReadsHowKeyspacesLieInNats) {
  const auto config = parse(kEverything);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->keyvalue_nats.prefix, "n-1");
  EXPECT_EQ(config->keyvalue_nats.storage, keyvalue::NatsStoreOptions::Storage::kMemory);
  EXPECT_EQ(config->keyvalue_nats.replicas, 3U);
  EXPECT_EQ(config->keyvalue_nats.timeout, std::chrono::seconds(2));
  EXPECT_EQ(config->keyvalue_nats_bytes, 11ULL << 20);
  EXPECT_EQ(parse("{}")->keyvalue_nats.prefix, "nimbus");
  EXPECT_EQ(parse("{}")->keyvalue_nats_bytes, 64ULL << 20);
  EXPECT_EQ(parse("keyvalue: {nats: {maxMb: 0}}")->keyvalue_nats_bytes, std::nullopt);
  EXPECT_THAT(errorOf("keyvalue: {nats: {prefix: a_b}}"), HasSubstr("keyvalue.nats.prefix"));
  EXPECT_THAT(errorOf("keyvalue: {nats: {storage: disk}}"), HasSubstr("keyvalue.nats.storage"));
  EXPECT_THAT(errorOf("keyvalue: {nats: {replicas: 6}}"), HasSubstr("keyvalue.nats.replicas"));
}

TEST(HostConfig, ReadsItsNatsServers) {
  const auto config = parse(kEverything);
  ASSERT_TRUE(config) << config.error().message();
  const nats::ConnectOptions& nats = config->nats;
  EXPECT_THAT(nats.servers, ElementsAre("tls://a:4222", "tls://b:4222"));
  EXPECT_EQ(nats.user, "me");
  EXPECT_EQ(nats.password_file, "/etc/n/password");
  EXPECT_EQ(nats.token_file, "/etc/n/token");
  EXPECT_EQ(nats.credentials_file, "/c/me.creds");
  EXPECT_EQ(nats.nkey, "UABC");
  EXPECT_EQ(nats.nkey_seed_file, "/etc/n/seed");
  ASSERT_TRUE(nats.tls);
  EXPECT_EQ(nats.tls->ca_file, "/etc/n/ca.pem");
  EXPECT_EQ(nats.tls->certificate_file, "/etc/n/c.pem");
  EXPECT_EQ(nats.tls->key_file, "/etc/n/c.key");
  EXPECT_EQ(nats.tls->expected_host, "a.example");
  EXPECT_THAT(errorOf("nats: {user: me}"), HasSubstr("nats.servers"));
}

TEST(HostConfig, ReadsWhatConcernsOutgoingConnectionsAndTheEnd) {
  const auto config = parse(kEverything);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_FALSE(config->egress.deny_special_ranges);
  EXPECT_TRUE(config->egress.deny_private_ranges);
  EXPECT_TRUE(config->egress.allow_host_loopback);
  EXPECT_FALSE(config->client_tls.system_roots);
  EXPECT_FALSE(config->client_tls.der_roots.empty());
  EXPECT_THAT(config->client_tls.extra_ca_paths, ElementsAre("/etc/n/extra.pem"));
  EXPECT_EQ(config->client_tls.identity.certificate_path, "/etc/n/c.pem");
  EXPECT_EQ(config->client.max_connections_per_key, 5U);
  EXPECT_EQ(config->max_outgoing_sockets, 0U);
  EXPECT_EQ(config->client.idle_timeout, seconds(6));
  EXPECT_EQ(config->client.permit_wait, seconds(7));
  EXPECT_EQ(config->egress.resolve_timeout, seconds(8));
  EXPECT_EQ(config->drain_delay, seconds(1));
  EXPECT_EQ(config->drain_timeout, seconds(9));
}

TEST(HostConfig, ReadsWhatConcernsRegistries) {
  const auto config = parse(kEverything);
  ASSERT_TRUE(config) << config.error().message();
  const ImageOptions& images = config->images;
  EXPECT_EQ(images.service.cache_folder, "/etc/n/images");
  EXPECT_EQ(images.service.cache_max_bytes, 7U << 20);
  EXPECT_EQ(images.pull_timeout, seconds(9));
  EXPECT_EQ(config->manager.first_retry, seconds(4));
  EXPECT_FALSE(images.service.system_roots);
  EXPECT_THAT(images.service.ca_paths, ElementsAre("/etc/n/registry.pem"));
  EXPECT_THAT(images.insecure_registries, ElementsAre("localhost:5000"));
  EXPECT_EQ(images.service.docker_config_path, "/etc/n/docker.json");
  ASSERT_EQ(images.service.logins.size(), 1U);
  EXPECT_EQ(images.service.logins[0].registry, "r.example");
  EXPECT_EQ(images.service.logins[0].user, "ali");
  EXPECT_EQ(images.service.logins[0].password_file, "/etc/n/password");
}

TEST(HostConfig, WhatIsLeftOutKeepsItsDefault) {
  const auto config = parse("{}");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_TRUE(config->listeners.empty());
  EXPECT_FALSE(config->probe);
  EXPECT_EQ(config->admin.socket, "");
  EXPECT_TRUE(config->egress.deny_special_ranges);
  EXPECT_TRUE(config->client_tls.system_roots);
  EXPECT_TRUE(config->client_tls.der_roots.empty());
  EXPECT_EQ(config->log_level, LogLevel::kInfo);
}

// Of several tables, each of which has as many elements as one can have.
TEST(HostConfig, AnInstanceMayHaveMoreElementsThanOneTable) {
  const auto config = parse("defaults: {maxTableElements: 10000000}\n");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->defaults.max_table_elements,
            std::uint64_t{engine::kMaxCoreInstancesPerInstance} * engine::kMaxTableElements);
}

TEST(HostConfig, ProblemsNameFileLineAndKey) {
  struct Case {
    std::string_view text;
    std::string_view error;
  };
  const Case cases[] = {
      {"shrads: 2\n", "h.yaml:1: unknown key \"shrads\"; did you mean \"shards\"?"},
      {"http:\n  limits:\n    maxConnection: 1\n",
       "h.yaml:3: unknown key \"maxConnection\" in http.limits; did you mean \"maxConnections\"?"},
      {"http: {listeners: [{address: \"8000\"}]}\n", "h.yaml:1: http.listeners[0].address: "},
      {"http: {listeners: [{tls: {certificates: []}}]}\n",
       "h.yaml:1: http.listeners[0].tls.certificates is empty"},
      {"http: {listeners: [{tls: {certificates: [{certificate: c, key: k}]}}]}\n",
       "h.yaml:1: http.listeners[0].address is missing"},
      {"http:\n  listeners:\n    - address: 127.0.0.1:1\n      tls: {certificates: []}\n",
       "h.yaml:4: http.listeners[0].tls.certificates is empty"},
      {"http:\n  listeners:\n    - address: 127.0.0.1:1\n      tls: {certificates: "
       "[{certificate: a}]}\n",
       "h.yaml:4: http.listeners[0].tls.certificates[0].key is missing"},
      {"registries: {logins: [{registry: r, user: u}]}\n",
       "h.yaml:1: registries.logins[0].passwordFile is missing"},
      {"http: {listeners: [{address: \"unix:/s\", mode: \"0999\"}]}\n",
       "h.yaml:1: http.listeners[0].mode: expected octal digits from \"0600\" to \"0777\", found "
       "\"0999\""},
      {"http: {listeners: [{address: \"[::]:80\", mode: \"0660\"}]}\n",
       "h.yaml:1: http.listeners[0].mode is for Unix sockets"},
      {"registries: {insecureRegistries: [r]}\n",
       "h.yaml:1: unknown key \"insecureRegistries\" in registries"},
      {"admin: {address: 127.0.0.1:1}\n",
       "h.yaml:1: admin.address needs admin.tokenFile too: nobody may administrate over the "
       "network without a token"},
      {"admin: {socket: /s, tokenFile: t}\n",
       "h.yaml:1: admin.tokenFile is for admin.address: the Unix socket asks for no token"},
      {"probe: {address: unix:/x}\n",
       "h.yaml:1: probe.address: expected an address and a port, found \"unix:/x\""},
      {"log: {level: loud}\n",
       "h.yaml:1: log.level: expected trace or debug or info or warn or error or off, found "
       "\"loud\""},
      {"engine:\n  proposals: [gc, gcc]\n",
       "h.yaml:2: engine.proposals: \"gcc\" is no proposal that is known here; there are "
       "component-model-async, component-model-map, exception-handling, gc, "},
      {"defaults: {timeout: 5}\n", "h.yaml:1: defaults.timeout: expected a duration"},
      {"limits: {maxInstances: 0}\n",
       "h.yaml:1: limits.maxInstances: expected a whole number from 1 to 1000000, found the "
       "number 0"},
      {"defaults: {maxTableElements: 10000001}\n",
       "h.yaml:1: defaults.maxTableElements: expected a whole number from 1 to 10000000, found the "
       "number 10000001"},
      {"workloads: \"\"\n", "h.yaml:1: workloads is empty"},
      {"[]\n", "h.yaml:1: the document: expected a map, found a list"},
  };
  for (const Case& one : cases)
    EXPECT_EQ(errorOf(one.text).substr(0, one.error.size()), one.error) << one.text;
}

TEST(HostConfig, PathsOfAFileStartAtItsFolder) {
  const TemporaryFolder folder;
  folder.write("host.yaml", "workloads: w\n");
  EXPECT_EQ(loadHostConfig(folder.path("host.yaml"))->workloads_folder, folder.path("w"));
  EXPECT_EQ(loadHostConfig(folder.path("none.yaml")).error().code(), ErrorCode::kNotFound);
}

}  // namespace
}  // namespace nimbus::host
