#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// What the configuration of a project can say, as plain data. Each member is bound to its key, its
// default and its help in config_keys*.cc; docs/configuration.md is generated from those. An empty
// text is a key that was not given. Paths are as they were written: relative ones start at the
// project's folder.
namespace nimbus::project {

// Where a component is served if nothing else is said.
inline constexpr std::string_view kDefaultHttpAddress = "127.0.0.1:8000";

using StringMap = std::map<std::string, std::string>;
using TextList = std::vector<std::string>;

// build.rust, of projects written for `wash` 1.
struct RustSettings {
  TextList custom_command;
  std::string target = "wasm32-wasip2";
  TextList cargo_flags;
  TextList features;
  bool no_default_features = false;
  bool release = false;

  friend bool operator==(const RustSettings&, const RustSettings&) = default;
};

// build.tinygo, of projects written for `wash` 1.
struct TinyGoSettings {
  TextList custom_command;
  std::string target = "wasip2";
  TextList build_flags;
  TextList tags;
  bool disable_go_generate = false;
  std::string scheduler = "asyncify";
  std::string gc = "conservative";
  std::string opt = "z";
  std::string panic = "print";
  bool no_debug = true;
  std::string stack_size;
  std::string wit_package;
  std::string wit_world;

  friend bool operator==(const TinyGoSettings&, const TinyGoSettings&) = default;
};

// build.typescript, of projects written for `wash` 1.
struct TypeScriptSettings {
  TextList custom_command;
  std::string node_version;
  std::string package_manager = "npm";
  std::string build_command = "build";
  TextList build_flags;
  bool skip_install = false;
  bool source_maps = false;

  friend bool operator==(const TypeScriptSettings&, const TypeScriptSettings&) = default;
};

struct BuildSettings {
  std::string command;  // for `sh -c`; empty: by the project's language
  StringMap env;
  std::string component_path;
  std::string world;     // of the project's WIT; empty: the only one
  std::string language;  // one of the languages that `wash build` knows; empty: found by its files
  std::optional<RustSettings> rust;
  std::optional<TinyGoSettings> tinygo;
  std::optional<TypeScriptSettings> typescript;

  friend bool operator==(const BuildSettings&, const BuildSettings&) = default;
};

struct NewSettings {
  std::string command;  // run in a new project, after consent
};

// templates[]: one more template for `wash new`.
struct TemplateSettings {
  std::string name;
  std::string description;
  std::string repository;
  std::string subfolder;
  std::string ref;
  std::string language;
};

struct WitRegistry {
  std::string url;
  std::string username;
  std::string token;
};

struct WitSettings {
  std::vector<WitRegistry> registries;
  bool skip_fetch = false;
  std::string wit_dir = "wit";
  StringMap sources;  // package -> where its WIT comes from
};

// Values for a component, later ones winning: written here, then from entries of `configs`, then
// from entries of `secrets`.
struct ValueLayer {
  StringMap config;
  TextList config_from;
  TextList secret_from;
};

// Where the values of one entry of `configs` or `secrets` come from, later ones winning.
struct ValueSource {
  StringMap inline_values;
  std::string file;   // NAME=VALUE lines
  std::string dir;    // a file for each name
  TextList from_env;  // names of variables of `wash` itself
};
struct SecretSource : ValueSource {};  // read with more care

struct WorkloadSettings {
  ValueLayer environment;
  StringMap config;
  std::optional<TextList> allowed_hosts;  // absent: all; empty: none
  TextList allowed_ip_name_lookups;
  TextList allowed_host_loopback_ports;
};

struct PortSettings {
  std::string name;
  std::uint16_t port = 0;  // that the guest listens on
  std::string protocol = "TCP";
  std::optional<std::uint16_t> publish;  // of this machine
  std::string bind;
};

// dev.components[]: runs beside the project's own component. What is absent is as in `workload`.
struct ComponentSettings {
  std::string name;
  std::string file;  // exactly one of file, image and project
  std::string image;
  std::string project;  // a folder that is built, watched and reloaded like the main one
  std::string pull_policy;
  ValueLayer environment;
  StringMap config;
  std::optional<TextList> allowed_hosts;
  std::optional<TextList> allowed_ip_name_lookups;
  std::optional<TextList> allowed_host_loopback_ports;
  std::optional<std::uint64_t> pool_size;
  std::optional<std::uint64_t> max_invocations;
  std::optional<std::uint64_t> max_concurrency;
};

// host.hostPlugins[] and dev.host_plugins[]: a component that serves interfaces to all workloads.
struct HostPluginSettings {
  std::string id;
  std::string file;  // exactly one of file and image
  std::string image;
  std::string pull_policy;
  std::optional<std::uint64_t> max_restarts;
  std::string expected_digest;
  StringMap config;
  TextList config_from;
  TextList secret_from;
  TextList allowed_hosts;
  TextList allowed_ip_name_lookups;
  std::vector<PortSettings> ports;
};

// An interface that components import, and how it is served.
struct HostInterfaceSettings {
  std::string name;
  std::string namespace_name;
  std::string package;
  TextList interfaces;
  std::string version;
  std::string provider;  // as in a manifest; empty: the host's default
  StringMap config;
};

// dev.routes[]: which requests a component gets. A host or path that is empty takes all of them.
struct RouteSettings {
  std::string host;
  std::string path;
  TextList methods;
  std::string component;  // empty: the project's own
};

struct DevVolume {
  std::string host_path;
  std::string guest_path;
};

struct DevSettings {
  std::string command;  // instead of build.command
  std::string component_path;
  std::string address{kDefaultHttpAddress};
  std::string tls_cert_path;
  std::string tls_key_path;
  std::string tls_ca_path;
  StringMap environment;

  bool service = false;  // the project's own component is a service
  std::string service_file;
  std::string service_image;
  std::string service_pull_policy;
  std::vector<PortSettings> service_ports;

  std::vector<ComponentSettings> components;
  std::vector<HostPluginSettings> host_plugins;
  std::vector<HostInterfaceSettings> host_interfaces;
  std::vector<DevVolume> volumes;
  std::vector<RouteSettings> routes;
  TextList watch_ignore;  // beyond what the project's language ignores

  TextList http_client_ca_paths;
  std::string http_client_trust_roots = "native";
  std::string http_connection_wait;
  std::optional<std::uint64_t> max_connections;
  std::optional<std::uint64_t> max_outbound_http_connections_per_workload;
  std::optional<std::uint64_t> max_outbound_socket_connections_per_workload;
  std::optional<std::uint64_t> max_inbound_socket_connections_per_workload;

  std::string data_nats_url;
  std::string wasi_keyvalue_redis_url;
  std::string wasi_keyvalue_nats_url;
  std::string wasi_keyvalue_path;
  std::string wasi_blobstore_path;
  std::string postgres_url;
  bool wasi_otel = false;
  bool wasi_webgpu = false;
  TextList wasm_proposals;
  bool allow_insecure_registries = false;
};

struct HostSettings {
  std::vector<HostPluginSettings> host_plugins;
};

struct PluginSettings {
  TextList allow;  // grants for unattended runs; never from a project's own file
  std::map<std::string, StringMap> config;  // plugin -> its configuration
};

struct UpdateSettings {
  std::string url;  // of a folder of releases; never from a project's own file
};

struct ProjectConfig {
  std::string version;
  BuildSettings build;
  NewSettings new_project;
  std::vector<TemplateSettings> templates;
  WitSettings wit;
  WorkloadSettings workload;
  std::map<std::string, ValueSource> configs;
  std::map<std::string, SecretSource> secrets;
  DevSettings dev;
  HostSettings host;
  PluginSettings plugins;
  UpdateSettings update;
};

}  // namespace nimbus::project
