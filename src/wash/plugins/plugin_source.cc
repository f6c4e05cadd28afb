#include "wash/plugins/plugin_source.h"

#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "engine/digest.h"
#include "plugin/plugin_binary.h"
#include "plugin/plugin_lock.h"
#include "wash/input/download.h"
#include "wash/input/resolve_reference.h"
#include "wash/terminal/status_line.h"
#include "wash/terminal/transfer_line.h"

namespace nimbus::wash {
namespace {

bool isUrl(const std::string& source) {
  return source.starts_with("https://") || source.starts_with("http://");
}

std::string withoutFileScheme(const std::string& source) {
  constexpr std::string_view kScheme = "file://";
  return source.starts_with(kScheme) ? source.substr(kScheme.size()) : source;
}

Result<PluginBinary> read(const std::string& source, const ReferenceFlags& registries,
                          const std::string& user_file) {
  if (isUrl(source)) {
    TransferLine line;
    TRY(Bytes bytes, download(source, plugin::kMaxPluginBytes, line));
    return PluginBinary{std::move(bytes), source};
  }
  TRY(ResolvedComponent component,
      resolveComponentOrReference(withoutFileScheme(source), registries, user_file));
  std::error_code error;
  const bool is_file = !isPinned(source) && std::filesystem::exists(component.path, error);
  const auto absolute = std::filesystem::absolute(component.path, error).lexically_normal();
  return PluginBinary{std::move(component.bytes), is_file ? absolute.string() : source};
}

}  // namespace

Result<void> checkPluginSource(const std::string& source, const std::string& digest) {
  if (!digest.empty() && !plugin::isDigest(digest))
    return fail(ErrorCode::kInvalidArgument,
                "--digest " + digest + ": expected sha256: and 64 hexadecimal digits");
  if (digest.empty() && isUrl(source))
    return fail(ErrorCode::kInvalidArgument,
                "a plugin from an address needs --digest sha256:…, so that it is the one you mean");
  return {};
}

Result<PluginBinary> readPluginBinary(const std::string& source, const std::string& digest,
                                      const ReferenceFlags& registries,
                                      const std::string& user_file) {
  TRY_VOID(checkPluginSource(source, digest));
  TRY(PluginBinary binary, read(source, registries, user_file));
  const std::string actual = engine::digestText(engine::sha256(binary.bytes.view()));
  if (!digest.empty() && actual != digest) {
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("{} has digest {}, not {}", source, actual, digest));
  }
  return binary;
}

Result<plugin::PluginInfo> inspectBinary(const PluginBinary& binary,
                                         plugin::PluginRuntime& runtime) {
  const StatusLine line("Compiling " + binary.source);
  auto info = runtime.inspect(binary.bytes);
  if (!info) return fail(info.error().code(), binary.source, std::move(info).error());
  return info;
}

}  // namespace nimbus::wash
