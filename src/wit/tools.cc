#include "wit/tools.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/text.h"
#include "rust/tools.h"
#include "wit/sized_list.h"
#include "wit/tool_call.h"

namespace nimbus::wit {
namespace {

Result<std::string> textOf(Result<Buffer> buffer) {
  TRY(const Buffer filled, std::move(buffer));
  return filled.text();
}

NimbusPreview1Kind rawKind(Preview1Kind kind) {
  switch (kind) {
    case Preview1Kind::kAuto: return NIMBUS_PREVIEW1_AUTO;
    case Preview1Kind::kCommand: return NIMBUS_PREVIEW1_COMMAND;
    case Preview1Kind::kReactor: return NIMBUS_PREVIEW1_REACTOR;
    case Preview1Kind::kProxy: return NIMBUS_PREVIEW1_PROXY;
  }
  return NIMBUS_PREVIEW1_AUTO;
}

// What stands in the message behind `label`, on that line.
std::string_view valueIn(std::string_view message, std::string_view label) {
  const std::size_t at = message.find(label);
  if (at == std::string_view::npos) return {};
  message.remove_prefix(at + label.size());
  return trim(message.substr(0, std::min(message.find('\n'), message.find(" (at offset"))));
}

// The library's message in one line, and in a module's own terms where it has others.
std::string explainedWrapping(const std::string& message) {
  if (message.contains("main module cannot import memory"))
    return "the module exports no memory: one of preview 1 does, with the name \"memory\"";
  if (message.contains("type mismatch for export `_start`"))
    return fmt::format("the module's _start has the wrong type: it is {} and must be {}",
                       valueIn(message, "found:"), valueIn(message, "expected:"));
  return fmt::format("{}", fmt::join(split(message, '\n'), "; "));
}

}  // namespace

Result<std::string> witText(ByteView component) {
  return textOf(call(nimbus_tools_world_wit, component.data(), component.size()));
}

Result<std::string> worldJson(ByteView component) {
  return textOf(call(nimbus_tools_world_json, component.data(), component.size()));
}

Result<std::string> parseWit(std::span<const WitFile> files) {
  const std::vector<NimbusWitFile> raw = rawFiles(files);
  return textOf(call(nimbus_tools_parse_wit, raw.data(), raw.size()));
}

Result<void> validate(ByteView binary, Proposals proposals, FunctionBodies bodies) {
  std::uint32_t features = proposals == Proposals::kAll ? NIMBUS_FEATURE_ALL : 0;
  if (bodies == FunctionBodies::kLeftToTheCompiler) features |= NIMBUS_VALIDATE_WITHOUT_BODIES;
  TRY_VOID(call(nimbus_tools_validate, binary.data(), binary.size(), features));
  return {};
}

Result<Bytes> wrapPreview1(ByteView module, Preview1Kind kind) {
  auto wrapped =
      bytesOf(call(nimbus_tools_wrap_preview1, module.data(), module.size(), rawKind(kind)));
  if (wrapped) return wrapped;
  return fail(wrapped.error().code(), explainedWrapping(wrapped.error().message()));
}

Result<Bytes> encodeComponent(ByteView module, std::span<const WitFile> files,
                              std::string_view world) {
  const std::vector<NimbusWitFile> raw = rawFiles(files);
  const ByteView name = asBytes(world);
  return bytesOf(call(nimbus_tools_encode, module.data(), module.size(), raw.data(), raw.size(),
                      name.data(), name.size()));
}

Result<Bytes> componentize(ByteView module) {
  return bytesOf(call(nimbus_tools_componentize, module.data(), module.size()));
}

Result<std::vector<GuestFile>> guestBindings(const GuestBindingsRequest& request) {
  const std::vector<NimbusWitFile> raw = rawFiles(request.files);
  const NimbusGuestLanguage language =
      request.language == GuestLanguage::kGo ? NIMBUS_GUEST_GO : NIMBUS_GUEST_C;
  TRY(const Buffer list,
      call(nimbus_tools_guest_bindings, language, raw.data(), raw.size(),
           asBytes(request.world).data(), request.world.size(), asBytes(request.package).data(),
           request.package.size(), asBytes(request.exports_package).data(),
           request.exports_package.size()));
  return readSizedList(asText(list.view()));
}

Result<Bytes> watToWasm(std::string_view text, std::string_view path) {
  const ByteView source = asBytes(text);
  const ByteView name = asBytes(path);
  return bytesOf(call(nimbus_tools_wat, source.data(), source.size(), name.data(), name.size()));
}

Result<std::string> classifyJson(ByteView binary) {
  return textOf(call(nimbus_tools_classify, binary.data(), binary.size()));
}

Result<std::string> metadataJson(ByteView binary) {
  return textOf(call(nimbus_tools_metadata, binary.data(), binary.size()));
}

}  // namespace nimbus::wit
