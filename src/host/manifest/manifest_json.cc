#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "host/manifest/manifest_reader.h"
#include "host/manifest/text_rules.h"

namespace nimbus::host {
namespace {

namespace json = boost::json;

void put(json::object& into, std::string_view key, const std::string& text) {
  if (!text.empty()) into[key] = text;
}
void put(json::object& into, std::string_view key, const StringMap& map) {
  if (map.empty()) return;
  json::object object;
  for (const auto& [name, value] : map) object[name] = value;
  into[key] = std::move(object);
}
void put(json::object& into, std::string_view key, const std::vector<std::string>& texts) {
  if (!texts.empty()) into[key] = json::array(texts.begin(), texts.end());
}
template <typename Number>
void put(json::object& into, std::string_view key, const std::optional<Number>& number) {
  if (number) into[key] = *number;
}
template <typename Item, typename Write>
void putList(json::object& into, std::string_view key, const std::vector<Item>& items,
             Write write) {
  if (items.empty()) return;
  json::array list;
  for (const Item& item : items) list.push_back(write(item));
  into[key] = std::move(list);
}

json::object mountJson(const VolumeMount& mount) {
  json::object object;
  put(object, "name", mount.name);
  put(object, "mountPath", mount.mount_path);
  if (mount.read_only) object["readOnly"] = true;
  return object;
}

void putResources(json::object& into, const LocalResources& resources) {
  json::object object;
  put(object, "memoryLimitMb", resources.memory_limit_mb);
  put(object, "cpuLimit", resources.cpu_limit_ms);
  put(object, "maxSockets", resources.max_sockets);
  put(object, "maxFiles", resources.max_files);
  put(object, "environment", resources.environment);
  put(object, "config", resources.config);
  put(object, "allowedHosts", resources.allowed_hosts);
  put(object, "allowedIpNameLookups", resources.allowed_ip_name_lookups);
  put(object, "allowedHostLoopbackPorts", resources.allowed_host_loopback_ports);
  putList(object, "volumeMounts", resources.volume_mounts, mountJson);
  if (!object.empty()) into["localResources"] = std::move(object);
}

std::string_view manifestName(oci::PullPolicy policy) {
  switch (policy) {
    case oci::PullPolicy::kAlways: return "Always";
    case oci::PullPolicy::kIfNotPresent: return "IfNotPresent";
    case oci::PullPolicy::kNever: return "Never";
  }
  return "";
}

json::object componentJson(const ComponentSpec& component) {
  json::object object;
  put(object, "name", component.name);
  put(object, "file", component.file);
  put(object, "image", component.image);
  if (component.pull_policy) object["imagePullPolicy"] = manifestName(*component.pull_policy);
  put(object, "digest", component.digest);
  if (component.pool_size != 0) object["poolSize"] = component.pool_size;
  if (component.max_invocations != 0) object["maxInvocations"] = component.max_invocations;
  if (component.max_concurrency != 1) object["maxConcurrency"] = component.max_concurrency;
  put(object, "timeoutMs", component.timeout_ms);
  put(object, "idleTimeoutMs", component.idle_timeout_ms);
  put(object, "maxInstances", component.max_instances);
  put(object, "maxQueue", component.max_queue);
  put(object, "queueTimeoutMs", component.queue_timeout_ms);
  putResources(object, component.local_resources);
  return object;
}

json::object serviceJson(const ServiceSpec& service) {
  json::object object = componentJson(service.component);
  if (service.component.name == kServiceName) object.erase("name");
  put(object, "maxRestarts", service.max_restarts);
  put(object, "maxConcurrency", service.max_concurrency);
  return object;
}

json::object interfaceJson(const HostInterface& host_interface) {
  json::object object;
  put(object, "name", host_interface.name);
  put(object, "namespace", host_interface.namespace_name);
  put(object, "package", host_interface.package);
  put(object, "interfaces", host_interface.interfaces);
  put(object, "version", host_interface.version);
  put(object, "provider", host_interface.provider);
  put(object, "config", host_interface.config);
  return object;
}

json::object ephemeralJson(const VolumeSpec& volume) {
  json::object object;
  if (volume.size_limit_bytes) object["sizeLimit"] = formatByteQuantity(*volume.size_limit_bytes);
  return object;
}

json::object volumeJson(const VolumeSpec& volume) {
  json::object object;
  put(object, "name", volume.name);
  if (volume.host_path.empty())
    object["ephemeral"] = ephemeralJson(volume);
  else
    object["hostPath"] = json::object{{"path", volume.host_path}};
  return object;
}

json::object routeJson(const RouteSpec& route) {
  json::object object;
  put(object, "host", route.host);
  put(object, "path", route.path);
  put(object, "methods", route.methods);
  put(object, "component", route.component);
  return object;
}

}  // namespace

std::string toJson(const WorkloadSpec& spec) {
  json::object object;
  put(object, "namespace", spec.namespace_name);
  put(object, "name", spec.name);
  put(object, "annotations", spec.annotations);
  put(object, "labels", spec.labels);
  putList(object, "components", spec.components, componentJson);
  if (spec.service) object["service"] = serviceJson(*spec.service);
  putList(object, "hostInterfaces", spec.host_interfaces, interfaceJson);
  putList(object, "volumes", spec.volumes, volumeJson);
  json::object http;
  putList(http, "routes", spec.routes, routeJson);
  if (!http.empty()) object["http"] = std::move(http);
  put(object, kUnsupportedKeysKey, spec.unsupported_keys);
  return json::serialize(object);
}

}  // namespace nimbus::host
