#include "wash/registry/oci_annotations.h"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "base/escape.h"
#include "base/text.h"
#include "base/utf8.h"

namespace nimbus::wash {
namespace {

namespace json = boost::json;

std::unexpected<Error> wrong(std::string_view text, std::string_view why) {
  const std::string shown = escaped(text.substr(0, 128));
  return fail(ErrorCode::kInvalidArgument, fmt::format("annotation \"{}\": {}", shown, why));
}

Result<oci::Annotations> parseObject(std::string_view text) {
  std::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object()) return wrong(text, "not a JSON object of strings");
  oci::Annotations annotations;
  for (const auto& [key, entry] : value.as_object()) {
    if (!entry.is_string() || key.empty()) return wrong(std::string(key), "not a key and a string");
    annotations.emplace(std::string(key), json::value_to<std::string>(entry));
  }
  return annotations;
}

}  // namespace

Result<oci::Annotations::value_type> parseAnnotation(std::string_view text) {
  const auto parts = splitOnce(text, '=');
  if (!parts || trim(parts->first).empty()) return wrong(text, "expected KEY=VALUE");
  if (!isUtf8(asBytes(text))) return wrong(text, "it is not UTF-8");
  return oci::Annotations::value_type(std::string(trim(parts->first)), std::string(parts->second));
}

Result<oci::Annotations> parseHookAnnotations(std::string_view text) {
  if (trim(text).starts_with('{')) return parseObject(trim(text));
  oci::Annotations annotations;
  for (const std::string_view line : split(text, '\n')) {
    if (trim(line).empty()) continue;
    TRY(auto annotation,
        parseAnnotation(line.ends_with('\r') ? line.substr(0, line.size() - 1) : line));
    annotations[annotation.first] = std::move(annotation.second);
  }
  return annotations;
}

std::string hookAnnotations(const oci::Annotations& annotations) {
  const bool lines = std::ranges::none_of(annotations, [](const auto& annotation) {
    return annotation.second.find_first_of("\r\n") != std::string::npos;
  });
  std::string text;
  json::object object;
  for (const auto& [key, value] : annotations) {
    text += key + "=" + value + "\n";
    object[key] = value;
  }
  return lines ? text : json::serialize(object);
}

}  // namespace nimbus::wash
