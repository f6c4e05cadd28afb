#pragma once

#include "base/result.h"
#include "bindgen/units.h"
#include "wit/document.h"

namespace nimbus::bindgen {

// kUnsupported, with the place, if the unit uses types that have no encoding: maps, lists of fixed
// length, error contexts; streams or futures whose elements hold resources, streams or futures;
// results that lend a resource.
[[nodiscard]] Result<void> checkSupported(const wit::Document& document, const Unit& unit);

}  // namespace nimbus::bindgen
