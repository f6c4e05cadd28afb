#pragma once

#include <cstdint>
#include <functional>

namespace nimbus {

// A number that names one kind of thing and cannot be mistaken for another kind's:
// `struct WorkloadIdTag; using WorkloadId = StrongId<WorkloadIdTag>;`
template <typename Tag>
struct StrongId {
  std::uint64_t value = 0;
  friend auto operator<=>(const StrongId&, const StrongId&) = default;
};

}  // namespace nimbus

template <typename Tag>
struct std::hash<nimbus::StrongId<Tag>> {
  std::size_t operator()(nimbus::StrongId<Tag> id) const noexcept {
    return std::hash<std::uint64_t>{}(id.value);
  }
};
