#pragma once

#include "wit/interface_name.h"

namespace nimbus::wit {

// What components composed into one may import together, and what each must import for itself.
//
// Shared are interfaces that only define types, or that act on handles which the guest must have
// got elsewhere, or that give everybody the same: streams and requests can then pass between the
// components, and nobody gains by it. Everything else is imported once per component, so that
// environment, configuration, volumes, addresses and bindings stay apart; so is every interface
// that is not known here.
[[nodiscard]] bool isSharedInterface(const InterfaceName& name);

}  // namespace nimbus::wit
