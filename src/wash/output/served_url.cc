#include "wash/output/served_url.h"

namespace nimbus::wash {

std::optional<std::string> servedUrl(const net::Endpoint& bound, http::Scheme scheme) {
  if (!bound.unix_path.empty()) return std::nullopt;
  return (scheme == http::Scheme::kHttps ? "https://" : "http://") + bound.toString();
}

std::string servedPlace(const net::Endpoint& bound, http::Scheme scheme) {
  return servedUrl(bound, scheme).value_or(bound.toString());
}

}  // namespace nimbus::wash
