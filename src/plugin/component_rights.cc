#include "plugin/component_rights.h"

#include "host/egress/egress_rules.h"
#include "net/address.h"

namespace nimbus::plugin {

std::vector<std::string> allowedHostsOf(const Permissions& permissions) {
  std::vector<std::string> entries;
  for (const std::string& host : permissions.hosts()) {
    if (host.contains("://")) {
      entries.push_back(host);
      continue;
    }
    entries.push_back("http://" + host);
    entries.push_back("https://" + host);
  }
  return entries;
}

std::vector<std::string> loopbackPortsOf(const std::vector<std::string>& hosts) {
  std::vector<std::string> ports;
  for (const std::string& entry : hosts) {
    const auto rule = host::HostRule::parse(entry);
    const bool loopback = rule && (rule->hosts.coversName("localhost") ||
                                   rule->hosts.coversAddress(*net::IpAddress::parse("127.0.0.1")));
    if (loopback && rule->port) ports.push_back(std::to_string(*rule->port));
  }
  return ports;
}

}  // namespace nimbus::plugin
