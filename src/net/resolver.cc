#include "net/resolver.h"

#include <algorithm>

namespace nimbus::net {

void FixedResolver::add(std::string name, std::vector<IpAddress> addresses) {
  names_.emplace_back(std::move(name), std::move(addresses));
}

Task<Result<std::vector<IpAddress>>> FixedResolver::resolve(std::string name) {
  if (auto literal = IpAddress::parse(name)) co_return std::vector{*literal};
  const auto found = std::ranges::find(names_, name, [](const auto& entry) { return entry.first; });
  if (found == names_.end()) {
    co_return fail(ErrorCode::kNotFound, "no address is known for " + name);
  }
  co_return found->second;
}

}  // namespace nimbus::net
