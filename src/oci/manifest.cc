#include "oci/manifest.h"

#include <algorithm>
#include <optional>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "base/escape.h"

namespace nimbus::oci {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxLayers = 256;
constexpr std::size_t kMaxEntries = 1024;
constexpr std::size_t kMaxNamed = 8;  // in messages

std::string shown(std::string_view text) { return escaped(text.substr(0, 256)); }

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::kProtocol, fmt::format("the manifest is not well formed: {}", what));
}

std::optional<std::string> textAt(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return std::nullopt;
  return json::value_to<std::string>(*value);
}

Result<Descriptor> readDescriptor(const json::value* value, std::string_view where) {
  if (value == nullptr || !value->is_object())
    return malformed(fmt::format("{} is missing", where));
  const json::object& object = value->as_object();
  const auto media_type = textAt(object, "mediaType");
  const auto digest_text = textAt(object, "digest");
  const json::value* size = object.if_contains("size");
  if (!media_type || !digest_text || size == nullptr)
    return malformed(fmt::format("{} lacks mediaType, digest or size", where));
  auto digest = Digest::parse(*digest_text);
  if (!digest) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} has the digest \"{}\"; only sha256 is supported", where,
                            shown(*digest_text)));
  }
  std::error_code error;
  const auto bytes = size->to_number<std::uint64_t>(error);
  if (error || size->is_double()) return malformed(fmt::format("{} has no size", where));
  return Descriptor{*media_type, *std::move(digest), bytes};
}

Result<Annotations> readAnnotations(const json::object& document) {
  Annotations annotations;
  const json::value* value = document.if_contains("annotations");
  if (value == nullptr || value->is_null()) return annotations;
  if (!value->is_object()) return malformed("annotations is not an object");
  for (const auto& [key, text] : value->as_object()) {
    if (!text.is_string()) return malformed("an annotation is not a string");
    annotations.emplace(std::string(key), json::value_to<std::string>(text));
  }
  return annotations;
}

Result<const json::array*> readList(const json::object& document, std::string_view key,
                                    std::size_t most) {
  const json::value* value = document.if_contains(key);
  if (value == nullptr || !value->is_array()) return malformed(fmt::format("it has no {}", key));
  if (value->as_array().size() > most) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("the manifest has more than {} {}", most, key));
  }
  return &value->as_array();
}

Result<Manifest> readManifest(const json::object& document) {
  TRY(Descriptor config, readDescriptor(document.if_contains("config"), "config"));
  Manifest manifest{std::move(config), {}, {}};
  TRY(const json::array* layers, readList(document, "layers", kMaxLayers));
  for (const json::value& layer : *layers) {
    TRY(Descriptor descriptor,
        readDescriptor(&layer, fmt::format("layers[{}]", manifest.layers.size())));
    manifest.layers.push_back(std::move(descriptor));
  }
  TRY(manifest.annotations, readAnnotations(document));
  return manifest;
}

Result<Index> readIndex(const json::object& document) {
  Index index;
  TRY(const json::array* entries, readList(document, "manifests", kMaxEntries));
  for (const json::value& value : *entries) {
    TRY(Descriptor manifest,
        readDescriptor(&value, fmt::format("manifests[{}]", index.entries.size())));
    Index::Entry entry{std::move(manifest), {}, {}};
    const json::value* platform = value.as_object().if_contains("platform");
    if (platform != nullptr && platform->is_object()) {
      entry.os = textAt(platform->as_object(), "os").value_or("");
      entry.architecture = textAt(platform->as_object(), "architecture").value_or("");
    }
    index.entries.push_back(std::move(entry));
  }
  return index;
}

json::object toObject(const Descriptor& descriptor) {
  return {{"mediaType", descriptor.media_type},
          {"digest", descriptor.digest.text()},
          {"size", descriptor.size}};
}

bool isForWasm(const Index::Entry& entry) {
  return entry.architecture == "wasm" || (entry.architecture.empty() && entry.os.empty());
}

}  // namespace

Result<std::variant<Manifest, Index>> parseManifest(std::string_view document,
                                                    std::string_view media_type) {
  if (document.size() > kMaxManifestBytes) {
    return fail(ErrorCode::kResourceExhausted,
                fmt::format("the manifest is larger than {} bytes", kMaxManifestBytes));
  }
  std::error_code error;
  const json::value value = json::parse({document.data(), document.size()}, error);
  if (error || !value.is_object()) return malformed("it is not a JSON object");
  const json::object& object = value.as_object();
  const std::string type = textAt(object, "mediaType").value_or(std::string(media_type));
  if (type == kManifestType) return readManifest(object);
  if (type == kIndexType) return readIndex(object);
  return fail(ErrorCode::kUnsupported,
              fmt::format("the registry has a document of type \"{}\" there; expected an OCI image "
                          "manifest ({})",
                          shown(type), kManifestType));
}

std::string toJson(const Manifest& manifest) {
  json::array layers;
  for (const Descriptor& layer : manifest.layers) layers.push_back(toObject(layer));
  json::object document{{"schemaVersion", 2},
                        {"mediaType", kManifestType},
                        {"config", toObject(manifest.config)},
                        {"layers", std::move(layers)}};
  if (!manifest.annotations.empty()) {
    json::object annotations;
    for (const auto& [key, text] : manifest.annotations) annotations[key] = text;
    document["annotations"] = std::move(annotations);
  }
  return json::serialize(document);
}

Result<Descriptor> wasmLayerOf(const Manifest& manifest) {
  const auto found = std::ranges::find_if(manifest.layers, [](const Descriptor& layer) {
    return layer.media_type == kWasmLayerType || layer.media_type == kOldWasmLayerType;
  });
  if (found != manifest.layers.end()) return *found;
  std::string types;
  for (std::size_t i = 0; i < std::min(manifest.layers.size(), kMaxNamed); ++i)
    types += (i > 0 ? ", " : "") + shown(manifest.layers[i].media_type);
  return fail(ErrorCode::kUnsupported,
              fmt::format("the artifact has no layer of type {}; it has {}", kWasmLayerType,
                          types.empty() ? "none at all" : types));
}

Result<Descriptor> wasmEntryOf(const Index& index) {
  if (std::ranges::count_if(index.entries, isForWasm) == 1)
    return std::ranges::find_if(index.entries, isForWasm)->manifest;
  std::string entries;
  for (std::size_t i = 0; i < std::min(index.entries.size(), kMaxNamed); ++i) {
    const Index::Entry& entry = index.entries[i];
    entries += fmt::format("{}{}/{} {}", i > 0 ? ", " : "", shown(entry.os),
                           shown(entry.architecture), entry.manifest.digest.text());
  }
  return fail(ErrorCode::kUnsupported,
              fmt::format("the reference names an index of {} manifests, and not exactly one of "
                          "them is for WebAssembly; name the one you want by its digest: {}",
                          index.entries.size(), entries));
}

}  // namespace nimbus::oci
