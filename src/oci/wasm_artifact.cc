#include "oci/wasm_artifact.h"

#include <ctime>
#include <utility>

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <boost/json.hpp>

#include "base/utf8.h"
#include "wit/component_info.h"

namespace nimbus::oci {
namespace {

namespace json = boost::json;

constexpr std::string_view kPrefix = "org.opencontainers.image.";

json::array namesOf(const std::vector<wit::ExternName>& names) {
  json::array list;
  for (const wit::ExternName& name : names) list.emplace_back(name.name);
  return list;
}

std::string configOf(const wit::ComponentInfo& info, const Digest& layer, std::string_view created,
                     const std::string& author) {
  const bool is_module = info.kind == wit::BinaryKind::kModule;
  json::object config{{"created", created},
                      {"architecture", "wasm"},
                      {"os", is_module ? "wasip1" : "wasip2"},
                      {"layerDigests", json::array{layer.text()}}};
  if (!author.empty()) config["author"] = author;
  if (!is_module) {
    config["component"] =
        json::object{{"exports", namesOf(info.exports)}, {"imports", namesOf(info.imports)}};
  }
  return json::serialize(config);
}

Annotations annotationsOf(const wit::PackageAbout& about, std::string_view created) {
  const std::pair<std::string_view, std::string_view> said[] = {
      {"title", about.name},        {"description", about.description},
      {"authors", about.authors},   {"source", about.source},
      {"url", about.homepage},      {"version", about.version},
      {"revision", about.revision}, {"licenses", about.licenses},
      {"created", created}};
  Annotations annotations;
  for (const auto& [name, text] : said)
    if (!text.empty() && isUtf8(asBytes(text)))
      annotations.emplace(std::string(kPrefix) + std::string(name), text);
  return annotations;
}

}  // namespace

std::string timestamp(std::chrono::system_clock::time_point when) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(when);
  std::tm parts{};
  if (::gmtime_r(&seconds, &parts) == nullptr) return "1970-01-01T00:00:00Z";
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", parts);
}

Result<void> checkWasm(ByteView bytes) {
  auto info = wit::inspectComponent(bytes);
  if (info) return {};
  return fail(ErrorCode::kInvalidArgument, "it is neither a WebAssembly component nor a module",
              std::move(info).error());
}

Result<WasmArtifact> describeWasm(Bytes wasm, const Annotations& annotations,
                                  std::chrono::system_clock::time_point created) {
  TRY_VOID(checkWasm(wasm.view()));
  TRY(const wit::ComponentInfo info, wit::inspectComponent(wasm.view()));
  const std::string stamp = timestamp(created);
  const Digest layer = Digest::of(wasm.view());
  std::string config = configOf(info, layer, stamp, info.about.authors);
  Manifest manifest{{std::string(kWasmConfigType), Digest::of(asBytes(config)), config.size()},
                    {{std::string(kWasmLayerType), layer, wasm.size()}},
                    annotationsOf(info.about, stamp)};
  for (const auto& [key, text] : annotations) {
    if (text.empty())
      manifest.annotations.erase(key);
    else
      manifest.annotations[key] = text;
  }
  std::string document = toJson(manifest);
  if (document.size() > kMaxManifestBytes)
    return fail(ErrorCode::kResourceExhausted, "the annotations are too large for a manifest");
  const Digest digest = Digest::of(asBytes(document));
  return WasmArtifact{std::move(wasm),
                      std::move(config),
                      std::move(document),
                      manifest.config,
                      manifest.layers[0],
                      digest,
                      std::move(manifest.annotations)};
}

}  // namespace nimbus::oci
