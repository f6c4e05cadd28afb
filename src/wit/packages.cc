#include "wit/packages.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "base/text.h"
#include "rust/tools.h"
#include "wit/document.h"
#include "wit/sized_list.h"
#include "wit/tool_call.h"

namespace nimbus::wit {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxNameBytes = 256;

bool isWord(std::string_view text) {
  return !text.empty() && text.front() >= 'a' && text.front() <= 'z' &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
         });
}

bool isVersion(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '+';
  });
}

NimbusView viewOf(ByteView bytes) { return {bytes.data(), bytes.size()}; }

Result<PackageRef> nameOf(const json::value& value) {
  const json::object* object = value.if_object();
  const json::value* name = object ? object->if_contains("name") : nullptr;
  const json::value* version = object ? object->if_contains("version") : nullptr;
  if (!name || !version || !name->is_string())
    return fail(ErrorCode::kInternal, "internal: a broken list of packages");
  return PackageRef{std::string(name->get_string()),
                    version->is_string() ? std::string(version->get_string()) : std::string()};
}

}  // namespace

Result<PackageRef> PackageRef::parse(std::string_view text) {
  const std::size_t at = text.find('@');
  const std::string_view name = text.substr(0, at);
  const std::size_t colon = name.find(':');
  const bool good = text.size() <= kMaxNameBytes && colon != std::string_view::npos &&
                    isWord(name.substr(0, colon)) && isWord(name.substr(colon + 1)) &&
                    (at == std::string_view::npos || isVersion(text.substr(at + 1)));
  if (!good)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("\"{}\" is no name of a package, such as wasi:http or wasi:http@0.2.3",
                            text.substr(0, kMaxNameBytes)));
  return PackageRef{std::string(name), at == std::string_view::npos
                                           ? std::string()
                                           : std::string(text.substr(at + 1))};
}

std::string PackageRef::text() const {
  return version.empty() ? name : fmt::format("{}@{}", name, version);
}

bool PackageRef::isNamedBy(const PackageRef& other) const {
  return name == other.name && (other.version.empty() || version == other.version);
}

std::string_view PackageRef::nameSpace() const {
  return std::string_view(name).substr(0, name.find(':'));
}

std::string_view PackageRef::word() const {
  return std::string_view(name).substr(name.find(':') + 1);
}

Result<PackageNeeds> packageNeeds(std::span<const WitFile> files) {
  const std::vector<NimbusWitFile> raw = rawFiles(files);
  TRY(const Buffer buffer, call(nimbus_tools_wit_needs, raw.data(), raw.size()));
  boost::system::error_code error;
  const json::value found = json::parse(buffer.text(), error);
  const json::object* object = error ? nullptr : found.if_object();
  const json::value* package = object ? object->if_contains("package") : nullptr;
  const json::value* needs = object ? object->if_contains("needs") : nullptr;
  if (!package || !needs || !needs->is_array())
    return fail(ErrorCode::kInternal, "internal: a broken list of packages");
  PackageNeeds result;
  TRY(result.package, nameOf(*package));
  for (const json::value& need : needs->get_array()) {
    TRY(PackageRef name, nameOf(need));
    result.needs.push_back(std::move(name));
  }
  return result;
}

Result<PackageNeeds> encodedNeeds(ByteView wasm) {
  TRY(const std::string text, worldJson(wasm));
  TRY(const Document document, readDocument(text));
  if (document.main_world)
    return fail(ErrorCode::kInvalidArgument, "it is a component, not a WIT package");
  PackageNeeds result;
  for (std::size_t i = 0; i < document.packages.size(); ++i) {
    TRY(PackageRef name, PackageRef::parse(document.packages[i].name));
    if (i == document.main_package) {
      result.package = std::move(name);
    } else {
      result.needs.push_back(std::move(name));
    }
  }
  return result;
}

Result<std::vector<PackageText>> gatherPackages(std::span<const WitFile> files,
                                                std::span<const EncodedPackage> encoded) {
  const std::vector<NimbusWitFile> raw = rawFiles(files);
  std::vector<NimbusEncodedWit> packages;
  packages.reserve(encoded.size());
  for (const EncodedPackage& package : encoded) {
    packages.push_back({viewOf(asBytes(package.name)), viewOf(package.wasm.view())});
  }
  TRY(const Buffer list,
      call(nimbus_tools_gather_wit, raw.data(), raw.size(), packages.data(), packages.size()));
  TRY(std::vector<GuestFile> found, readSizedList(asText(list.view())));
  std::vector<PackageText> texts;
  texts.reserve(found.size());
  for (GuestFile& file : found) {
    TRY(PackageRef name, PackageRef::parse(file.path));
    while (file.contents.ends_with("\n\n")) file.contents.pop_back();
    texts.push_back({std::move(name), std::move(file.contents)});
  }
  return texts;
}

Result<Bytes> encodePackage(std::span<const WitFile> files) {
  const std::vector<NimbusWitFile> raw = rawFiles(files);
  return bytesOf(call(nimbus_tools_encode_wit, raw.data(), raw.size()));
}

}  // namespace nimbus::wit
