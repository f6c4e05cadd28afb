#include "wash/output/version.h"

#include "engine/engine.h"

#ifndef NIMBUS_COMMIT
#define NIMBUS_COMMIT "unknown"
#endif

namespace nimbus::wash {

std::string versionText() {
  return std::string("wash ") + NIMBUS_VERSION + "\ncommit: " + NIMBUS_COMMIT +
         "\nengine: " + std::string(engine::engineVersion()) + "\ncompiler: " + __VERSION__;
}

std::vector<DataField> versionFields() {
  return {{"version", jsonText(NIMBUS_VERSION)},
          {"commit", jsonText(NIMBUS_COMMIT)},
          {"engine", jsonText(engine::engineVersion())},
          {"compiler", jsonText(__VERSION__)}};
}

}  // namespace nimbus::wash
