#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/manifest.h"

namespace nimbus::dev {

using host::StringMap;

// A folder of sources that is built into one component.
struct PlannedProject {
  std::string component;  // its name in the workload
  std::string folder;     // absolute
  // How it is built; without a command by its language.
  std::string command;
  StringMap environment;
  std::string component_path;        // where the build leaves it, from the folder; may be empty
  std::vector<std::string> ignored;  // patterns of a .gitignore, on top of the project's own

  friend bool operator==(const PlannedProject&, const PlannedProject&) = default;
};

struct PlannedComponent {
  host::ComponentSpec spec;            // `file` is empty if a project makes it
  std::optional<std::size_t> project;  // of the plan

  friend bool operator==(const PlannedComponent&, const PlannedComponent&) = default;
};

// What cannot change while it runs.
struct ServerSettings {
  std::string address = "127.0.0.1:8000";
  std::string tls_certificate;
  std::string tls_key;
  std::string tls_client_ca;
  std::string keyvalue_path;  // a database; empty: in memory
  std::vector<std::string> client_ca_paths;

  friend bool operator==(const ServerSettings&, const ServerSettings&) = default;
};

// What `wash dev` is to run, by configuration and flags: everything but the components themselves.
struct DevPlan {
  std::string name = "dev";
  std::vector<PlannedProject> projects;
  std::vector<PlannedComponent> components;  // the project's own first
  std::vector<host::HostInterface> host_interfaces;
  std::vector<host::VolumeSpec> volumes;
  std::vector<host::RouteSpec> routes;  // empty: everything goes to the component that serves HTTP
  ServerSettings server;
  // Files, and folders of files, that the plan was made of, absolute; they need not be there.
  std::vector<std::string> sources;

  friend bool operator==(const DevPlan&, const DevPlan&) = default;
};

}  // namespace nimbus::dev
