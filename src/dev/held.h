#pragma once

#include <memory>
#include <vector>

namespace nimbus::dev {

// What something needs to stay as it is for as long as it is used. It tells no two of them apart.
struct Held {
  std::vector<std::shared_ptr<const void>> things;

  friend bool operator==(const Held& /*a*/, const Held& /*b*/) { return true; }
};

}  // namespace nimbus::dev
