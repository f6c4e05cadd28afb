// The keys of `dev` and `host`.

#include "project/binding.h"

namespace nimbus::project {
namespace {

constexpr std::string_view kPullPolicyHelp =
    "When an image is pulled: always, if it is not in the cache, or never.";
const std::vector<std::string_view> kPullPolicies = {"always", "ifNotPresent", "never"};

}  // namespace

template <>
const Section& sectionOf<PortSettings>() {
  static const Section section = [] {
    SectionBuilder<PortSettings> keys;
    keys.add("name", &PortSettings::name, "Name for messages.").required = true;
    keys.add("port", &PortSettings::port, "Port that the guest listens on.").required = true;
    keys.add("protocol", &PortSettings::protocol, "Protocol; `UDP` is refused.").words = {"TCP",
                                                                                          "UDP"};
    keys.add("publish", &PortSettings::publish,
             "Port of this machine that leads to it, at the address of `dev.address`.");
    keys.add("bind", &PortSettings::bind,
             "Address that the guest itself binds: refused, as it has a network of its own.");
    return keys.take();
  }();
  return section;
}

template <>
const Section& sectionOf<ComponentSettings>() {
  static const Section section = [] {
    SectionBuilder<ComponentSettings> keys;
    keys.add("name", &ComponentSettings::name, "Name of the component.").required = true;
    keys.add("file", &ComponentSettings::file,
             "The component's file. One of `file`, `image` and `project` is needed.");
    keys.add("image", &ComponentSettings::image, "OCI reference of the component.");
    keys.add("project", &ComponentSettings::project,
             "Folder of a project that is built, watched and reloaded.");
    keys.add("pullPolicy", &ComponentSettings::pull_policy, kPullPolicyHelp).words = kPullPolicies;
    keys.add("environment", &ComponentSettings::environment,
             "Environment variables, over those of `workload.environment`.");
    keys.add("config", &ComponentSettings::config, "Values, over those of `workload.config`.");
    keys.add("allowedHosts", &ComponentSettings::allowed_hosts,
             "Instead of `workload.allowedHosts`.");
    keys.add("allowedIpNameLookups", &ComponentSettings::allowed_ip_name_lookups,
             "Instead of `workload.allowedIpNameLookups`.");
    keys.add("allowedHostLoopbackPorts", &ComponentSettings::allowed_host_loopback_ports,
             "Instead of `workload.allowedHostLoopbackPorts`.");
    keys.add("poolSize", &ComponentSettings::pool_size,
             "Instances that are kept between calls; 0: a fresh one for each call.")
        .range = {0, 100000};
    keys.add("maxInvocations", &ComponentSettings::max_invocations,
             "Calls that a kept instance serves; 0: no limit.");
    keys.add("maxConcurrency", &ComponentSettings::max_concurrency,
             "Calls at once on a kept instance.")
        .range = {1, 100000};
    return keys.take();
  }();
  return section;
}

template <>
const Section& sectionOf<HostPluginSettings>() {
  static const Section section = [] {
    SectionBuilder<HostPluginSettings> keys;
    keys.add("id", &HostPluginSettings::id, "Name, unique on the host.").required = true;
    keys.add("file", &HostPluginSettings::file,
             "The component's file. One of `file` and `image` is needed.");
    keys.add("image", &HostPluginSettings::image, "OCI reference of the component.");
    keys.add("pullPolicy", &HostPluginSettings::pull_policy, kPullPolicyHelp).words = kPullPolicies;
    keys.add("maxRestarts", &HostPluginSettings::max_restarts, "Restarts before it is given up.");
    keys.add("expectedDigest", &HostPluginSettings::expected_digest,
             "Digest that the image must have.");
    keys.add("config", &HostPluginSettings::config, "Its configuration, by name.");
    keys.add("configFrom", &HostPluginSettings::config_from,
             "Entries of `configs` that are added to it.");
    keys.add("secretFrom", &HostPluginSettings::secret_from,
             "Entries of `secrets` that are added to it.");
    keys.add("allowedHosts", &HostPluginSettings::allowed_hosts,
             "Hosts that its HTTP may reach; none if absent.");
    keys.add("allowedIpNameLookups", &HostPluginSettings::allowed_ip_name_lookups,
             "Names that it may resolve.");
    keys.add("ports", &HostPluginSettings::ports, "Ports that it listens on.");
    return keys.take();
  }();
  return section;
}

template <>
const Section& sectionOf<HostInterfaceSettings>() {
  static const Section section = [] {
    SectionBuilder<HostInterfaceSettings> keys;
    keys.add("name", &HostInterfaceSettings::name,
             "Name by which components tell several of one package apart.");
    keys.add("namespace", &HostInterfaceSettings::namespace_name, "Such as `wasi`.").required =
        true;
    keys.add("package", &HostInterfaceSettings::package, "Such as `keyvalue`.").required = true;
    keys.add("interfaces", &HostInterfaceSettings::interfaces, "Such as `store`.");
    keys.add("version", &HostInterfaceSettings::version, "Version of the package.");
    keys.add("provider", &HostInterfaceSettings::provider,
             "Who serves it, as in a manifest; empty: the host's default.");
    keys.add("config", &HostInterfaceSettings::config, "Configuration of the binding, by name.");
    return keys.take();
  }();
  return section;
}

template <>
const Section& sectionOf<RouteSettings>() {
  static const Section section = [] {
    SectionBuilder<RouteSettings> keys;
    keys.add("host", &RouteSettings::host,
             "Host of the requests: `a.test`, `*.test`, or all if it is absent.");
    keys.add("path", &RouteSettings::path,
             "What their path begins with, in whole segments; `/` if it is absent.");
    keys.add("methods", &RouteSettings::methods, "Their methods; all if it is absent.");
    keys.add("component", &RouteSettings::component,
             "Name of the component that answers; the project's own if it is absent.");
    return keys.take();
  }();
  return section;
}

template <>
const Section& sectionOf<DevVolume>() {
  static const Section section = [] {
    SectionBuilder<DevVolume> keys;
    keys.add("host_path", &DevVolume::host_path, "Folder of this machine.").required = true;
    keys.add("guest_path", &DevVolume::guest_path, "Where components see it.").required = true;
    return keys.take();
  }();
  return section;
}

namespace {

void addBasics(SectionBuilder<DevSettings>& keys) {
  keys.add("command", &DevSettings::command,
           "Shell command that builds for `wash dev`, instead of `build.command`.");
  keys.add("component_path", &DevSettings::component_path,
           "Where that build leaves the component, instead of `build.component_path`.")
      .aliases = {"artifact_path"};
  keys.add("address", &DevSettings::address, "Address and port of HTTP.");
  keys.add("tls_cert_path", &DevSettings::tls_cert_path, "Certificate chain, PEM.");
  keys.add("tls_key_path", &DevSettings::tls_key_path, "Its key, PEM.");
  keys.add("tls_ca_path", &DevSettings::tls_ca_path,
           "Authorities, PEM, one of which must have signed a client's certificate.");
  keys.add("environment", &DevSettings::environment,
           "Environment variables for builds by `wash dev`.");
  keys.add("watch_ignore", &DevSettings::watch_ignore,
           "Paths that are not watched, beyond those of the project's language.");
}

void addWorkload(SectionBuilder<DevSettings>& keys) {
  keys.add("service", &DevSettings::service, "Whether the project's component is a service.");
  keys.add("service_file", &DevSettings::service_file, "File of a service that runs beside it.");
  keys.add("service_image", &DevSettings::service_image, "OCI reference of such a service.");
  keys.add("service_pull_policy", &DevSettings::service_pull_policy, kPullPolicyHelp).words =
      kPullPolicies;
  keys.add("service_ports", &DevSettings::service_ports, "Ports that the service listens on.");
  keys.add("components", &DevSettings::components, "Components that run beside the project's own.");
  keys.add("host_plugins", &DevSettings::host_plugins,
           "Components that serve interfaces to the others.");
  keys.add("host_interfaces", &DevSettings::host_interfaces,
           "Interfaces that are not to be served by the defaults.");
  keys.add("volumes", &DevSettings::volumes, "Folders that components see.");
  keys.add(
      "routes", &DevSettings::routes,
      "Which requests go to which component; without them all go to the first that serves HTTP.");
}

void addConnections(SectionBuilder<DevSettings>& keys) {
  keys.add("http_client_ca_paths", &DevSettings::http_client_ca_paths,
           "Further authorities, PEM, that outgoing HTTPS trusts.");
  keys.add("http_client_trust_roots", &DevSettings::http_client_trust_roots,
           "Authorities that outgoing HTTPS trusts without being told: the system's (`native`), "
           "those of Mozilla that the program brings along (`webpki`), both, or none.")
      .words = {"webpki", "webpki-and-native", "native", "extra-only"};
  keys.add("http_connection_wait", &DevSettings::http_connection_wait,
           "How long an outgoing request waits for a connection, such as \"5s\".");
  keys.add("max_connections", &DevSettings::max_connections, "Connections of all workloads.")
      .range = {1, UINT64_MAX};
  keys.add("max_outbound_http_connections_per_workload",
           &DevSettings::max_outbound_http_connections_per_workload, "Outgoing HTTP connections.")
      .range = {1, UINT64_MAX};
  keys.add("max_outbound_socket_connections_per_workload",
           &DevSettings::max_outbound_socket_connections_per_workload,
           "Sockets of guests that are connected to something outside of their workload, or carry "
           "datagrams; no such limit if absent.")
      .range = {1, UINT64_MAX};
  keys.add("max_inbound_socket_connections_per_workload",
           &DevSettings::max_inbound_socket_connections_per_workload,
           "Connections by way of published ports of the service, at once; 256 if absent.")
      .range = {1, UINT64_MAX};
}

void addBackends(SectionBuilder<DevSettings>& keys) {
  keys.add("data_nats_url", &DevSettings::data_nats_url,
           "NATS server of providers at `nats:PREFIX`; `nats://127.0.0.1:4222` if absent.")
      .secret = true;
  keys.add("wasi_keyvalue_redis_url", &DevSettings::wasi_keyvalue_redis_url,
           "Redis server for `wasi:keyvalue`.")
      .secret = true;
  keys.add("wasi_keyvalue_nats_url", &DevSettings::wasi_keyvalue_nats_url,
           "NATS server, with JetStream, for `wasi:keyvalue`; comes before `wasi_keyvalue_path`.")
      .secret = true;
  keys.add("wasi_keyvalue_path", &DevSettings::wasi_keyvalue_path, "Folder for `wasi:keyvalue`.");
  keys.add("wasi_blobstore_path", &DevSettings::wasi_blobstore_path,
           "Where the plugin that serves `wasi:blobstore` keeps its files, in place of its own "
           "folder.");
  keys.add("postgres_url", &DevSettings::postgres_url, "Server for `wasmcloud:postgres`.").secret =
      true;
  keys.add("wasi_otel", &DevSettings::wasi_otel, "Whether `wasi:otel` is served.");
  keys.add("wasi_webgpu", &DevSettings::wasi_webgpu, "Whether `wasi:webgpu` is served.");
  keys.add("wasm_proposals", &DevSettings::wasm_proposals,
           "Proposals of WebAssembly that components may use beyond those that are always on: "
           "`wide-arithmetic`, `component-model-map`.");
  keys.add("allow_insecure_registries", &DevSettings::allow_insecure_registries,
           "Whether images may be pulled by plain HTTP.");
}

}  // namespace

template <>
const Section& sectionOf<DevSettings>() {
  static const Section section = [] {
    SectionBuilder<DevSettings> keys;
    addBasics(keys);
    addWorkload(keys);
    addConnections(keys);
    addBackends(keys);
    return keys.take();
  }();
  return section;
}

template <>
const Section& sectionOf<HostSettings>() {
  static const Section section = [] {
    SectionBuilder<HostSettings> keys;
    keys.add("hostPlugins", &HostSettings::host_plugins,
             "Refused by `wash host`: give components that serve others as workloads.");
    return keys.take();
  }();
  return section;
}

}  // namespace nimbus::project
