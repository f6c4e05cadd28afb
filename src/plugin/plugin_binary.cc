#include "plugin/plugin_binary.h"

#include "base/bytes.h"
#include "base/files.h"
#include "engine/digest.h"

namespace nimbus::plugin {

Result<std::string> readBinary(const Plugin& plugin) {
  TRY(std::string content, readFile(plugin.wasm_path, kMaxPluginBytes));
  if (engine::digestText(engine::sha256(asBytes(content))) == plugin.digest) return content;
  return fail(
      ErrorCode::kPermissionDenied,
      plugin.wasm_path + " is not what was installed: install plugin " + plugin.name() + " again");
}

}  // namespace nimbus::plugin
