#include "wash/output/served_url.h"

namespace nimbus::wash {

std::string servedPlace(const net::Endpoint& bound, http::Scheme scheme) {
  if (!bound.unix_path.empty()) return bound.toString();
  return (scheme == http::Scheme::kHttps ? "https://" : "http://") + bound.toString();
}

std::optional<std::string> servedUrl(const net::Endpoint& bound, http::Scheme scheme) {
  if (!bound.unix_path.empty()) return std::nullopt;
  return servedPlace(bound, scheme) + "/";
}

}  // namespace nimbus::wash
