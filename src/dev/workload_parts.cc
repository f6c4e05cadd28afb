#include "dev/workload_parts.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <future>
#include <iterator>
#include <optional>
#include <set>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/escape.h"
#include "base/files.h"
#include "base/text.h"
#include "engine/digest.h"
#include "engine/engine.h"
#include "host/bindings/component_links.h"
#include "host/manifest/capability_catalog.h"
#include "wit/interface_name.h"

namespace nimbus::dev {
namespace {

constexpr std::size_t kMaxComponentBytes = 256ULL << 20;

// Packages that the engine itself serves.
constexpr std::array<std::string_view, 7> kEnginePackages = {
    "wasi:http",   "wasi:cli",        "wasi:io",     "wasi:clocks",
    "wasi:random", "wasi:filesystem", "wasi:sockets"};

bool servesHttp(const wit::ComponentInfo& info) {
  return !info.handler_version.empty() || !info.incoming_handler_version.empty();
}

bool exportsFor(const std::vector<std::string>& exports, const wit::InterfaceName& wanted) {
  return std::ranges::any_of(exports, [&](const std::string& name) {
    return wit::interfaceMatches(wanted.interface, wanted.version, name);
  });
}

std::vector<std::string> exportedInstances(const wit::ComponentInfo& info) {
  std::vector<std::string> names;
  for (const wit::ExternName& each : info.exports)
    if (each.kind == "instance") names.push_back(each.name);
  return names;
}

constexpr std::string_view kNamedComponent = "component:";
constexpr std::string_view kBlobstoreKey = "dev.wasi_blobstore_path";
constexpr std::string_view kBlobstorePackage = "wasi:blobstore";

bool servesBlobs(const DevPlugin& plugin) {
  return std::ranges::any_of(plugin.exports, [](const std::string& name) {
    return wit::parseInterfaceName(name).package == kBlobstorePackage;
  });
}

// One workload of the plan.
class Assembler {
 public:
  Assembler(const DevPlan& plan, std::span<const ComponentPart> parts,
            std::span<const DevPlugin> plugins)
      : plan_(plan), parts_(parts), plugins_(plugins) {
    spec_.name = plan.name;
    spec_.interfaces_by = host::InterfacesBy::kProject;
    spec_.host_interfaces = plan.host_interfaces;
    for (host::HostInterface& entry : spec_.host_interfaces) {
      if (entry.provider.empty() && entry.namespace_name == "wasi" && entry.package == "keyvalue")
        entry.provider = embeddedKeyvalue();
    }
  }

  Result<host::WorkloadSpec> app() {
    spec_.volumes = plan_.volumes;
    spec_.routes = plan_.routes;
    for (std::size_t i = 0; i < parts_.size(); ++i)
      if (!isShared(i) || servesHttp(parts_[i].info)) members_.push_back(i);
    TRY_VOID(assemble());
    TRY_VOID(addRoute());
    return std::move(spec_);
  }

  // Interfaces that are imported, and that nobody is known to export.
  [[nodiscard]] const std::vector<std::string>& unserved() const { return unserved_; }
  // What the plugins that serve it need.
  [[nodiscard]] const Held& held() const { return held_; }

  // Whether the part is a workload of its own.
  [[nodiscard]] bool isShared(std::size_t part) const {
    return plan_.components[part].host_plugin &&
           std::ranges::any_of(parts_[part].info.exports, host::isOfferedInterface);
  }
  Result<host::WorkloadSpec> shared(std::size_t part) {
    spec_.name = workloadName(part);
    members_ = {part};
    std::erase_if(spec_.host_interfaces,
                  [&](const host::HostInterface& entry) { return !isWithinReach(entry, part); });
    TRY_VOID(assemble());
    // What else is said is for others.
    std::erase_if(spec_.host_interfaces,
                  [&](const host::HostInterface& entry) { return !isImported(entry); });
    return std::move(spec_);
  }

 private:
  Result<void> assemble() {
    for (const std::size_t i : members_) {
      host::ComponentSpec component = plan_.components[i].spec;
      TRY_VOID(checkDigest(component, parts_[i]));
      component.file = parts_[i].path;
      component.digest = parts_[i].digest;
      if (plan_.components[i].service) {
        spec_.service = {.component = std::move(component),
                         .max_restarts = std::nullopt,
                         .ports = plan_.service_ports,
                         .max_inbound_connections = plan_.max_inbound_connections};
      } else {
        spec_.components.push_back(std::move(component));
      }
    }
    pointToShared();
    TRY_VOID(addNamedPlugins());
    for (const std::size_t i : members_) TRY_VOID(serveImports(nameOf(i), parts_[i].info));
    return {};
  }

  static Result<void> checkDigest(const host::ComponentSpec& component, const ComponentPart& part) {
    if (component.digest.empty() || component.digest == part.digest) return {};
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("component {}: {} has the digest {}, not {}", component.name, part.path,
                            part.digest, component.digest));
  }

  std::string workloadName(std::size_t part) const { return "host-plugin-" + nameOf(part); }
  std::string providerOf(std::size_t part) const {
    return fmt::format("workload:{}/{}", workloadName(part), nameOf(part));
  }

  // Whether the part, in its own workload, can have what the entry says.
  bool isWithinReach(const host::HostInterface& entry, std::size_t part) const {
    const auto named = namedBy(entry);
    return !named || (*named != part && isShared(*named));
  }

  // The part that the entry names as provider.
  std::optional<std::size_t> namedBy(const host::HostInterface& entry) const {
    for (std::size_t i = 0; i < parts_.size(); ++i)
      if (entry.provider == fmt::format("{}{}", kNamedComponent, nameOf(i))) return i;
    return std::nullopt;
  }

  static bool isImported(const host::HostInterface& entry, const wit::ComponentInfo& info) {
    return std::ranges::any_of(info.imports, [&](const wit::ExternName& import) {
      const bool labelled = !import.implements.empty();
      return entry.name == (labelled ? import.name : "") &&
             host::entryCovers(entry, labelled ? import.implements : import.name);
    });
  }
  // By a member, or a plugin that was added.
  bool isImported(const host::HostInterface& entry) const {
    return std::ranges::any_of(members_,
                               [&](std::size_t i) { return isImported(entry, parts_[i].info); }) ||
           std::ranges::any_of(added_infos_, [&](const wit::ComponentInfo& info) {
             return isImported(entry, info);
           });
  }

  // Entries that name a component which is a workload of its own.
  void pointToShared() {
    for (host::HostInterface& entry : spec_.host_interfaces) {
      if (host::packageOf(entry) == "wasi:http") continue;
      if (const auto named = namedBy(entry); named && isShared(*named))
        entry.provider = providerOf(*named);
    }
  }

  static std::string componentName(const DevPlugin& plugin) { return "plugin-" + plugin.name; }

  // As upstream orders them.
  [[nodiscard]] std::string embeddedKeyvalue() const {
    if (!plan_.server.keyvalue_redis_url.empty()) return "keyvalue-redis";
    if (!plan_.server.keyvalue_nats_url.empty()) return "keyvalue-nats";
    return plan_.server.keyvalue_path.empty() ? "keyvalue-memory" : "keyvalue-sqlite";
  }

  // Those that entries of the plan name.
  Result<void> addNamedPlugins() {
    for (host::HostInterface& entry : spec_.host_interfaces) {
      for (const DevPlugin& plugin : plugins_) {
        if (entry.provider != fmt::format("{}{}", kNamedComponent, componentName(plugin))) continue;
        if (spec_.name != plan_.name && !isImported(entry)) continue;  // others want it
        if (!plugin.given.empty()) {
          TRY_VOID(checkFolder(plugin, host::packageOf(entry)));
          entry.provider = "given:" + plugin.given;
          hold(plugin);
          break;
        }
        named_.push_back(&plugin);
      }
    }
    // Entries may be added for each.
    for (const DevPlugin* plugin : named_) TRY_VOID(add(*plugin));
    return {};
  }

  Result<void> serveImports(const std::string& component, const wit::ComponentInfo& info) {
    for (const wit::ExternName& import : info.imports) {
      if (import.kind != "instance") continue;
      const bool labelled = !import.implements.empty();
      const std::string& interface = labelled ? import.implements : import.name;
      if (isEnginePackage(import.parts.package) && !host::isHttpHandler(import.parts)) continue;
      if (hasEntry(labelled ? import.name : "", interface)) continue;
      if (!labelled) {
        if (isExported(component, import.parts)) continue;
        TRY(const bool bound, bindShared(component, import));
        if (bound) continue;
      }
      if (const host::Capability* capability = host::findCapability(interface)) {
        if (capability->grant != host::Capability::Grant::kAlways)
          bindEmbedded(labelled ? import.name : "", import.parts.package);
      } else if (!labelled) {
        TRY_VOID(servePlugin(component, import));
      }
    }
    return {};
  }

  static bool isEnginePackage(const std::string& package) {
    return isOneOf(kEnginePackages, package);
  }

  bool hasEntry(std::string_view name, const std::string& interface) const {
    return std::ranges::any_of(spec_.host_interfaces, [&](const host::HostInterface& entry) {
      return entry.name == name && host::entryCovers(entry, interface);
    });
  }

  const std::string& nameOf(std::size_t part) const { return plan_.components[part].spec.name; }

  // By another component of the workload; the service cannot be called.
  bool isExported(const std::string& importer, const wit::InterfaceName& wanted) const {
    return std::ranges::any_of(members_, [&](std::size_t i) {
      return nameOf(i) != importer && !plan_.components[i].service &&
             (!isShared(i) || host::isHttpHandler(wanted)) &&
             exportsFor(exportedInstances(parts_[i].info), wanted);
    });
  }

  // Whether a host plugin that is a workload of its own serves it.
  Result<bool> bindShared(const std::string& importer, const wit::ExternName& import) {
    if (host::isHttpHandler(import.parts)) return false;
    std::vector<std::size_t> fitting;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (!isShared(i) || !exportsFor(exportedInstances(parts_[i].info), import.parts)) continue;
      if (nameOf(i) == importer)
        fitting.clear();  // what is before it gets it from there
      else
        fitting.push_back(i);
    }
    if (fitting.empty()) return false;
    if (fitting.size() > 1 && !isChain(fitting, import.parts)) {
      std::vector<std::string> names;
      for (const std::size_t i : fitting) names.push_back(nameOf(i));
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("component {} imports {}, which several of dev.host_plugins export: "
                              "{}; choose one in dev.host_interfaces by provider: {}{}",
                              inQuotes(importer), import.name, fmt::join(names, ", "),
                              kNamedComponent, names.front()));
    }
    bindTo(providerOf(fitting.front()), import.parts);
    return true;
  }

  // All but the last import it, too.
  bool isChain(const std::vector<std::size_t>& exporters, const wit::InterfaceName& wanted) const {
    return std::ranges::all_of(exporters.begin(), exporters.end() - 1, [&](std::size_t exporter) {
      return std::ranges::any_of(parts_[exporter].info.imports, [&](const wit::ExternName& import) {
        return import.kind == "instance" &&
               wit::interfaceMatches(wanted.interface, wanted.version, import.name);
      });
    });
  }

  void bindEmbedded(std::string_view name, const std::string& package) {
    const auto names = splitOnce(package, ':');
    host::HostInterface& entry = spec_.host_interfaces.emplace_back();
    entry.name = name;
    entry.namespace_name = names->first;
    entry.package = names->second;
    entry.provider = embeddedKeyvalue();
  }

  Result<void> servePlugin(const std::string& component, const wit::ExternName& import) {
    std::vector<const DevPlugin*> fitting;
    std::vector<std::string> names;
    for (const DevPlugin& plugin : plugins_) {
      if (componentName(plugin) == component || !exportsFor(plugin.exports, import.parts)) continue;
      fitting.push_back(&plugin);
      names.push_back(plugin.name);
    }
    if (fitting.empty()) {
      // If it has more than types, that is told when it is linked.
      unserved_.push_back(import.name);
      return {};
    }
    if (fitting.size() == 1) {
      const DevPlugin& plugin = *fitting.front();
      if (plugin.given.empty()) return add(plugin);
      TRY_VOID(checkFolder(plugin, import.parts.package));
      bindTo("given:" + plugin.given, import.parts);
      hold(plugin);
      return {};
    }
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("component {} imports {}, which several plugins export: {}; choose one "
                            "in dev.host_interfaces by provider: component:{}",
                            inQuotes(component), import.name, fmt::join(names, ", "),
                            componentName(*fitting.front())));
  }

  // One entry for all of a package, so that its interfaces share their resources.
  void bindTo(const std::string& provider, const wit::InterfaceName& interface) {
    const auto names = splitOnce(interface.package, ':');
    const auto known = std::ranges::find_if(spec_.host_interfaces, [&](const auto& entry) {
      return entry.provider == provider && entry.name.empty() &&
             entry.namespace_name == names->first && entry.package == names->second &&
             entry.version == interface.version && !entry.interfaces.empty();
    });
    host::HostInterface& entry =
        known != spec_.host_interfaces.end() ? *known : spec_.host_interfaces.emplace_back();
    entry.namespace_name = names->first;
    entry.package = names->second;
    entry.version = interface.version;
    entry.provider = provider;
    entry.interfaces.push_back(interface.interface.substr(interface.package.size() + 1));
  }

  Result<void> add(const DevPlugin& plugin) {
    if (!added_.insert(plugin.name).second) return {};
    auto part = readPart(plugin.component_path);
    if (!part) {
      return fail(part.error().code(), "plugin " + plugin.name, std::move(part).error());
    }
    if (!plugin.digest.empty() && part->digest != plugin.digest)
      return fail(ErrorCode::kInvalidArgument,
                  "plugin " + plugin.name + ": " + part->path + " is not what was installed");
    host::ComponentSpec component;
    component.name = componentName(plugin);
    component.file = part->path;
    component.digest = part->digest;
    component.local_resources.config = plugin.config;
    component.local_resources.allowed_hosts = plugin.allowed_hosts;
    component.local_resources.allowed_host_loopback_ports = plugin.allowed_loopback_ports;
    TRY_VOID(mountFolders(plugin, component));
    const std::string name = component.name;
    spec_.components.push_back(std::move(component));
    added_infos_.push_back(part->info);
    hold(plugin);
    return serveImports(name, part->info);
  }

  void hold(const DevPlugin& plugin) {
    std::ranges::copy(plugin.held.things, std::back_inserter(held_.things));
  }

  Result<void> mountFolders(const DevPlugin& plugin, host::ComponentSpec& component) {
    const bool elsewhere = !plan_.blobstore_path.empty() && servesBlobs(plugin);
    if (elsewhere) TRY_VOID(makeBlobFolder());
    auto& mounts = component.local_resources.volume_mounts;
    for (const DevPlugin::Folder& folder : plugin.folders) {
      const bool moved = elsewhere && folder.own;
      std::string name = fmt::format("{}-{}", component.name, mounts.size());
      // A folder in the place of another makes another workload.
      if (!moved && !folder.stamp.empty()) name += "-" + folder.stamp;
      spec_.volumes.push_back(
          {.name = name, .host_path = moved ? plan_.blobstore_path : folder.host_path});
      mounts.push_back(
          {.name = name, .mount_path = folder.guest_path, .read_only = folder.read_only});
    }
    return {};
  }

  Result<void> makeBlobFolder() const {
    std::error_code error;
    std::filesystem::create_directories(plan_.blobstore_path, error);
    if (!error) return {};
    return fail(ErrorCode::kIo, fmt::format("{}: cannot make the folder {}: {}", kBlobstoreKey,
                                            plan_.blobstore_path, error.message()));
  }

  // Of a plugin that is given, which is to serve the package: who runs it has given it its folder.
  Result<void> checkFolder(const DevPlugin& plugin, std::string_view package) const {
    if (plan_.blobstore_path.empty() || package != kBlobstorePackage) return {};
    return fail(ErrorCode::kUnsupported,
                fmt::format("{}: plugin {} is called, not composed, and has a folder of its own; "
                            "another folder is for plugins that are composed",
                            kBlobstoreKey, plugin.name));
  }

  // The first that serves HTTP, a service after all others.
  std::optional<std::size_t> forRequests() const {
    std::optional<std::size_t> service;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      if (plan_.components[i].host_plugin || !servesHttp(parts_[i].info)) continue;
      if (!plan_.components[i].service) return i;
      service = i;
    }
    return service;
  }

  Result<void> addRoute() {
    if (!spec_.routes.empty()) return {};
    if (const auto part = forRequests()) {
      spec_.routes.push_back({.host = "", .path = "/", .methods = {}, .component = nameOf(*part)});
      return {};
    }
    // A service has something to do without requests.
    if (spec_.service) return {};
    return fail(ErrorCode::kUnsupported,
                fmt::format("component {} does not serve HTTP: it exports neither "
                            "wasi:http/incoming-handler nor wasi:http/handler",
                            inQuotes(spec_.components.front().name)));
  }

  const DevPlan& plan_;
  const std::span<const ComponentPart> parts_;
  const std::span<const DevPlugin> plugins_;
  std::vector<std::size_t> members_;  // of the parts
  host::WorkloadSpec spec_;
  std::vector<const DevPlugin*> named_;
  std::set<std::string> added_;
  std::vector<wit::ComponentInfo> added_infos_;  // of the plugins that became components
  std::vector<std::string> unserved_;
  Held held_;
};

void addRest(const Assembler& from, DevWorkloads& to) {
  std::ranges::copy(from.unserved(), std::back_inserter(to.unserved));
  std::ranges::copy(from.held().things, std::back_inserter(to.held.things));
}

}  // namespace

Result<ComponentPart> readPart(const std::string& path, host::ReadComponents* read) {
  TRY(std::string content, readFile(path, kMaxComponentBytes));
  Bytes bytes = Bytes::take(std::move(content));
  auto hashed = std::async([bytes] { return engine::sha256(bytes.view()); });
  auto inspected = engine::Engine::inspect(std::move(bytes));
  if (!inspected) {
    const ErrorCode code = inspected.error().code();
    return fail(code, path, std::move(inspected).error());
  }
  if (read != nullptr) read->inspected(path, *inspected);
  const engine::Sha256 digest = hashed.get();
  ComponentPart part{path, engine::digestText(digest), inspected->info};
  if (read != nullptr) read->put({*std::move(inspected), digest});
  return part;
}

Result<DevWorkloads> assembleWorkloads(const DevPlan& plan, std::span<const ComponentPart> parts,
                                       std::span<const DevPlugin> plugins) {
  DevWorkloads workloads;
  Assembler app(plan, parts, plugins);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!app.isShared(i)) continue;
    Assembler own(plan, parts, plugins);
    TRY(auto shared, own.shared(i));
    workloads.host_plugins.push_back(std::move(shared));
    addRest(own, workloads);
  }
  TRY(workloads.app, app.app());
  addRest(app, workloads);
  return workloads;
}

}  // namespace nimbus::dev
