#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nimbus::engine {

// Proposals of WebAssembly that components may use only where they are switched on. Others that
// have names are always on: component-model-async, exception-handling, gc, tail-call, and of
// threads the instructions. There is no shared memory: it counts in no limit, the pool has no slots
// for it, and a guest that waits for one keeps its thread, and so all others on it.
struct Proposals {
  bool wide_arithmetic = false;      // instructions on numbers of 128 bits
  bool component_model_map = false;  // the type map<K, V>, between components that are composed

  // As NimbusEngineConfig has them.
  [[nodiscard]] std::uint32_t bits() const;
  friend Proposals operator|(Proposals a, Proposals b) {
    return {a.wide_arithmetic || b.wide_arithmetic, a.component_model_map || b.component_model_map};
  }
  friend bool operator==(const Proposals&, const Proposals&) = default;
};

// What a name switches on: nothing, if that is always on. Case is ignored, and "_" is "-".
// kInvalidArgument with all names if there is no such.
[[nodiscard]] Result<Proposals> proposalNamed(std::string_view name);

// What all of them switch on. A name that is none counts for nothing here: it was refused where it
// was read.
[[nodiscard]] Proposals proposalsNamed(std::span<const std::string> names);

// For a message of why something is not valid: what would have to be switched on for it, and how;
// empty if it is not that.
[[nodiscard]] std::string proposalMissing(std::string_view message);

}  // namespace nimbus::engine
