#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "oci/pull_policy.h"

namespace nimbus::host {

using StringMap = std::map<std::string, std::string>;

struct VolumeMount {
  std::string name;        // of a volume of the workload
  std::string mount_path;  // inside the guest, absolute
  bool read_only = false;

  friend bool operator==(const VolumeMount&, const VolumeMount&) = default;
};

// What a component may use. Numbers are per host; absent means the host's default.
struct LocalResources {
  std::optional<std::uint64_t> memory_limit_mb;  // linear memory of one instance
  std::optional<std::uint64_t> cpu_limit_ms;     // CPU time of one call
  StringMap environment;
  StringMap config;
  std::vector<std::string> allowed_hosts;
  std::vector<std::string> allowed_ip_name_lookups;
  std::vector<std::string> allowed_host_loopback_ports;
  std::optional<std::uint32_t> max_sockets;  // of all its instances at once
  std::optional<std::uint32_t> max_files;    // that all its instances have open at once
  std::vector<VolumeMount> volume_mounts;

  friend bool operator==(const LocalResources&, const LocalResources&) = default;
};

// Of a component that other workloads call: one instance is for all of them. Components of its own
// workload get no interface from it, but may pass requests on to it.
struct SharedSpec {
  // After failures in a row; absent: without end.
  std::optional<std::uint64_t> max_restarts = {};

  friend bool operator==(const SharedSpec&, const SharedSpec&) = default;
};

struct ComponentSpec {
  std::string name;   // unique in the workload
  std::string file;   // absolute after parsing: relative paths start at the manifest's folder
  std::string image;  // an OCI reference; exactly one of file and image is set, until it is pulled
  std::optional<oci::PullPolicy> pull_policy;    // of the image; without: if it is not present
  std::string digest;                            // optional "sha256:<hex>" that the bytes must have
  std::uint32_t pool_size = 0;                   // 0: a fresh instance for every call
  std::uint64_t max_invocations = 0;             // of one instance; 0: no limit
  std::uint32_t max_concurrency = 1;             // calls at once on one instance
  std::optional<std::uint64_t> timeout_ms;       // wall time of one call
  std::optional<std::uint64_t> idle_timeout_ms;  // warm instances end after it
  std::optional<std::uint32_t> max_instances;    // at once
  std::optional<std::uint32_t> max_queue;        // calls that wait for an instance
  std::optional<std::uint64_t> queue_timeout_ms;
  LocalResources local_resources;
  // No manifest says so: it is for programs around a host, such as `wash dev`.
  std::optional<SharedSpec> shared;

  friend bool operator==(const ComponentSpec&, const ComponentSpec&) = default;
};

// The name of a service that is given none.
inline constexpr std::string_view kServiceName = "service";

// A port that the service listens on in its workload's network, published on this machine. No
// manifest says so: it is for programs around a host, such as `wash dev`.
struct ServicePort {
  std::string name;
  std::uint16_t port = 0;
  std::string published_at;  // "127.0.0.1:6379"
  std::string origin;        // who wants it so, for messages: "dev.service_ports[0].publish"

  friend bool operator==(const ServicePort&, const ServicePort&) = default;
};

inline constexpr std::uint32_t kServiceConcurrency = 256;

// What keeps running beside the components.
struct ServiceSpec {
  // There is one instance: what it says of pools is of no use, and of calls only if it serves HTTP.
  ComponentSpec component;
  std::optional<std::uint64_t> max_restarts = {};  // in a row; absent: without end
  // Requests at once; absent: kServiceConcurrency, or 1 for a handler of WASI 0.2.
  std::optional<std::uint32_t> max_concurrency = {};
  std::vector<ServicePort> ports = {};
  std::uint32_t max_inbound_connections = 0;  // by way of these ports, at once

  friend bool operator==(const ServiceSpec&, const ServiceSpec&) = default;
};

// An interface that the workload's components may import, and who serves it.
struct HostInterface {
  std::string name;  // by which components tell several of one package apart; empty: the default
  std::string namespace_name;
  std::string package;  // both empty: what a component's world defines itself, without a package
  std::vector<std::string> interfaces;
  std::string version;
  std::string provider;  // as parseProviderRef() takes it; empty: the host's default. A Unix
                         // socket's path is absolute after parsing, as for files
  StringMap config;

  friend bool operator==(const HostInterface&, const HostInterface&) = default;
};

// "wasi:keyvalue"; empty for what a world defines itself.
[[nodiscard]] std::string packageOf(const HostInterface& entry);
// For messages: "wasi:keyvalue/store@0.2.0-draft", as far as the entry says it.
[[nodiscard]] std::string nameOf(const HostInterface& entry);

struct VolumeSpec {
  std::string name;
  std::string host_path;  // empty: ephemeral, made at deploy, deleted with the workload
  std::optional<std::uint64_t> size_limit_bytes = {};  // of an ephemeral one; absent: the host's

  friend bool operator==(const VolumeSpec&, const VolumeSpec&) = default;
};

// One claim on incoming HTTP. A request goes to the most specific route: exact host before
// *.suffix (longer first) before no host, then longest path prefix (whole segments), then a route
// with methods before one without.
struct RouteSpec {
  std::string host;                  // "a.example", "*.example", or "" for any
  std::string path = "/";            // prefix: "/api" takes "/api" and "/api/x", not "/apix"
  std::vector<std::string> methods;  // empty: any
  std::string component;             // name; may be omitted in text if there is one component

  friend bool operator==(const RouteSpec&, const RouteSpec&) = default;
};

// How its user says who provides an interface: what is advised where nobody does.
enum class InterfacesBy { kManifest, kFlags, kProject };

// A validated manifest: the shape of wasmCloud's Workload, with routes.
struct WorkloadSpec {
  std::string namespace_name = "default";
  std::string name;
  StringMap annotations;
  StringMap labels;
  std::vector<ComponentSpec> components;
  std::optional<ServiceSpec> service;
  std::vector<HostInterface> host_interfaces;
  InterfacesBy interfaces_by = InterfacesBy::kManifest;
  std::vector<VolumeSpec> volumes;
  std::vector<RouteSpec> routes;
  // Keys of the schema that are well formed but that no host honours yet, by path, such as
  // "components[0].localResources.environment.secretFrom". checkRunnable() refuses them.
  std::vector<std::string> unsupported_keys;

  // The components and after them the service, if there is one: what is loaded, linked and bound.
  [[nodiscard]] std::size_t memberCount() const { return components.size() + (service ? 1 : 0); }
  [[nodiscard]] auto& member(this auto& self, std::size_t index) {
    return self.isService(index) ? self.service->component : self.components[index];
  }
  // All of them, in order.
  [[nodiscard]] auto members(this auto& self) {
    return std::views::iota(std::size_t{0}, self.memberCount()) |
           std::views::transform(
               [&self](std::size_t index) -> auto& { return self.member(index); });
  }
  [[nodiscard]] bool isService(std::size_t index) const { return index == components.size(); }
  // For messages: `component "web"`, `service "watch"`.
  [[nodiscard]] std::string describe(const ComponentSpec& member) const;

  // "<namespace>/<name>", unique on a host.
  [[nodiscard]] std::string id() const { return namespace_name + "/" + name; }

  friend bool operator==(const WorkloadSpec&, const WorkloadSpec&) = default;
};

// Parses YAML or JSON (a subset of YAML), checks the whole schema and returns the first problem as
// kInvalidArgument: "<file>:<line>: unknown key "poolsize" in components[0]; did you mean
// "poolSize"?". `base_folder` is where relative files start; empty: they are refused. One document
// per file. The schema is described in docs/manifest.md.
[[nodiscard]] Result<WorkloadSpec> parseManifest(std::string_view text, std::string_view file_name,
                                                 std::string_view base_folder);

// Parses what toJson() made of a manifest that parseManifest() took. That may be larger than its
// text was, and than parseManifest() takes: JSON writes up to six bytes for one.
[[nodiscard]] Result<WorkloadSpec> parseStoredManifest(std::string_view json,
                                                       std::string_view name);
inline constexpr std::size_t kMaxStoredManifestBytes = 8 * 1024 * 1024;

// What is well formed but cannot run on this host, by name: an interface without a provider
// (kUnsupported), or with one that cannot come about (kInvalidArgument).
[[nodiscard]] Result<void> checkRunnable(const WorkloadSpec& spec);

// The manifest as one line of JSON in its bare form; parseStoredManifest() gives the same spec
// again. Defaults are left out, so equal specs give equal text.
[[nodiscard]] std::string toJson(const WorkloadSpec& spec);

}  // namespace nimbus::host
