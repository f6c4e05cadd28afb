#include "project/template.h"

#include <utility>

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

namespace nimbus::project {

namespace {

namespace json = boost::json;

constexpr std::size_t kMaxManifestBytes = std::size_t{64} << 10;

std::unexpected<Error> wrong(std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("{}: {}", kTemplateManifest, what));
}

Result<std::string> textAt(const json::object& object, std::string_view key, bool required) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr && !required) return std::string();
  if (value == nullptr || !value->is_string())
    return wrong(fmt::format("\"{}\" must be a text", key));
  return std::string(value->get_string());
}

Result<StringMap> variablesOf(const json::object& object) {
  StringMap variables;
  const json::value* value = object.if_contains("variables");
  if (value == nullptr) return variables;
  if (!value->is_object()) return wrong("\"variables\" must be an object");
  for (const auto& [name, text] : value->get_object()) {
    if (!text.is_string()) return wrong("\"variables\" must have texts");
    variables[std::string(name)] = std::string(text.get_string());
  }
  return variables;
}

Result<std::vector<TemplateInclude>> includesOf(const json::object& object) {
  std::vector<TemplateInclude> includes;
  const json::value* value = object.if_contains("include");
  if (value == nullptr) return includes;
  if (!value->is_array()) return wrong("\"include\" must be a list");
  for (const json::value& entry : value->get_array()) {
    if (!entry.is_object()) return wrong("\"include\" must have objects");
    TRY(std::string from, textAt(entry.get_object(), "from", true));
    TRY(std::string to, textAt(entry.get_object(), "to", true));
    includes.push_back({std::move(from), std::move(to)});
  }
  return includes;
}

}  // namespace

Result<TemplateManifest> parseTemplateManifest(std::string_view text) {
  if (text.size() > kMaxManifestBytes) return wrong("larger than 64 KiB");
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) return wrong("not a JSON object");
  const json::object& object = value.get_object();
  TemplateManifest manifest;
  TRY(manifest.info.name, textAt(object, "name", true));
  TRY(manifest.info.language, textAt(object, "language", true));
  TRY(manifest.info.description, textAt(object, "description", false));
  TRY(manifest.info.next, textAt(object, "next", false));
  TRY(manifest.variables, variablesOf(object));
  TRY(manifest.includes, includesOf(object));
  if (const json::value* verified = object.if_contains("verified")) {
    if (!verified->is_bool()) return wrong("\"verified\" must be true or false");
    manifest.info.verified = verified->get_bool();
  }
  return manifest;
}

}  // namespace nimbus::project
