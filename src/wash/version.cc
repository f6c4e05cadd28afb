#include "wash/version.h"

#include "engine/engine.h"

#ifndef NIMBUS_COMMIT
#define NIMBUS_COMMIT "unknown"
#endif

namespace nimbus::wash {

std::string versionText() {
  return std::string("wash ") + NIMBUS_VERSION + "\ncommit: " + NIMBUS_COMMIT +
         "\nengine: " + std::string(engine::engineVersion()) + "\ncompiler: " + __VERSION__;
}

}  // namespace nimbus::wash
