#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/proposals.h"
#include "host/manifest/manifest.h"
#include "project/settings.h"

namespace nimbus::dev {

using host::StringMap;

inline constexpr std::uint32_t kMaxInboundConnections = 256;

// A folder of sources that is built into one component.
struct PlannedProject {
  std::string component;  // its name in the workload
  std::string folder;     // absolute
  // What its configuration says of the build, with what only `wash dev` builds with.
  project::BuildSettings build;
  std::vector<std::string> ignored;  // patterns of a .gitignore, on top of the project's own
  std::shared_ptr<const project::ProjectConfig> config;  // all of it; not looked at for equality

  // Whether the same component is built of the same sources, but for those that are ignored.
  [[nodiscard]] bool buildsAs(const PlannedProject& other) const {
    return component == other.component && folder == other.folder && build == other.build;
  }
  friend bool operator==(const PlannedProject& a, const PlannedProject& b) {
    return a.buildsAs(b) && a.ignored == b.ignored;
  }
};

struct PlannedComponent {
  host::ComponentSpec spec;            // `file` is empty if a project makes it; `digest` must match
  std::optional<std::size_t> project;  // of the plan
  bool host_plugin = false;            // it serves the others, and no requests
  bool service = false;                // it keeps running beside the others; one at most

  // Whether requests are for it before they are for a service.
  [[nodiscard]] bool isForRequests() const { return !host_plugin && !service; }

  friend bool operator==(const PlannedComponent&, const PlannedComponent&) = default;
};

// What cannot change while it runs.
struct ServerSettings {
  std::string address{project::kDefaultHttpAddress};
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_client_ca;
  std::string keyvalue_path;       // a database; empty: in memory
  std::string keyvalue_redis_url;  // comes before the database; may hold a password
  // NATS servers, with commas between; come before the database, and after Redis.
  std::string keyvalue_nats_url;
  std::string nats_url;  // of providers at nats:PREFIX; empty: the default
  // Of outgoing HTTP.
  bool system_roots = true;
  bool web_roots = false;  // those that the program brings along
  std::vector<std::string> client_ca_paths;
  std::optional<std::uint64_t> connection_wait_ms;
  std::optional<std::uint64_t> max_outgoing_connections;
  // Of wasi:sockets.
  std::optional<std::uint32_t> max_outgoing_sockets;  // of one workload
  // Of registries.
  bool plain_registries = false;  // without TLS
  // Of incoming HTTP.
  std::optional<std::uint64_t> max_connections;
  // Of WebAssembly.
  engine::Proposals proposals;

  friend bool operator==(const ServerSettings&, const ServerSettings&) = default;
};

// What is said of plugins, which the whole command shares.
struct PlannedPlugins {
  project::TextList rules;                  // of what they may do
  std::map<std::string, StringMap> config;  // by their names

  friend bool operator==(const PlannedPlugins&, const PlannedPlugins&) = default;
};

// What `wash dev` is to run, by configuration and flags: everything but the components themselves.
struct DevPlan {
  std::string name = "dev";
  std::vector<PlannedProject> projects;
  std::vector<PlannedComponent> components;  // the project's own first
  std::vector<host::HostInterface> host_interfaces;
  std::vector<host::VolumeSpec> volumes;
  // In place of the own folder of a composed plugin that serves wasi:blobstore; empty: none.
  std::string blobstore_path;
  std::vector<host::ServicePort> service_ports;
  std::uint32_t max_inbound_connections = kMaxInboundConnections;  // by way of these, at once
  std::vector<host::RouteSpec> routes;  // empty: everything goes to the component that serves HTTP
  ServerSettings server;
  PlannedPlugins plugins;
  // Files, and folders of files, that the plan was made of, absolute; they need not be there.
  std::vector<std::string> sources;
  std::vector<std::string> warnings;

  friend bool operator==(const DevPlan&, const DevPlan&) = default;
};

}  // namespace nimbus::dev
