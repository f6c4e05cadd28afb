// The JSON form of an inspection.

#include <fmt/format.h>
#include <boost/json.hpp>

#include <map>
#include <set>

#include "base/escape.h"
#include "wash/inspect/inspect.h"

namespace nimbus::wash {
namespace {

namespace json = boost::json;
using wit::ComponentInfo;

json::value textOrNull(std::string_view text) {
  if (text.empty()) return nullptr;
  return json::string(text);
}

json::array namesJson(const std::vector<wit::ExternName>& names) {
  json::array list;
  for (const wit::ExternName& name : names) {
    list.push_back(json::object{
        {"name", name.name},
        {"kind", name.kind},
        {"interface", textOrNull(name.parts.package.empty() ? "" : name.parts.interface)},
        {"version", textOrNull(name.parts.version)},
    });
  }
  return list;
}

// Package -> its versions, over imports and exports.
json::object versionsJson(const ComponentInfo& info) {
  std::map<std::string, std::set<std::string>> versions;
  for (const auto* names : {&info.imports, &info.exports}) {
    for (const wit::ExternName& name : *names) {
      if (!name.parts.version.empty()) versions[name.parts.package].insert(name.parts.version);
    }
  }
  json::object object;
  for (const auto& [package, numbers] : versions) {
    object[package] = json::array(numbers.begin(), numbers.end());
  }
  return object;
}

json::object producersJson(const wit::Producers& producers) {
  json::object object;
  for (const auto& [field, values] : producers) {
    json::object& versions = object[field].emplace_object();
    for (const auto& [name, version] : values) versions[name] = version;
  }
  return object;
}

json::object memoryJson(const ComponentInfo& info) {
  json::array memories;
  for (const wit::MemoryInfo& memory : info.memories) {
    json::value maximum = nullptr;
    if (memory.maximum_pages) maximum = *memory.maximum_pages;
    memories.push_back(json::object{
        {"initialPages", memory.initial_pages},
        {"maximumPages", std::move(maximum)},
        {"pageBytes", memory.page_bytes},
        {"memory64", memory.memory64},
        {"shared", memory.shared},
    });
  }
  return {{"initialBytes", info.initialMemoryBytes()}, {"memories", std::move(memories)}};
}

json::object sectionsJson(const ComponentInfo& info) {
  json::object object;
  for (const auto& [kind, bytes] : info.section_bytes) object[kind] = bytes;
  return object;
}

json::object aboutJson(const wit::PackageAbout& about) {
  return {
      {"name", textOrNull(about.name)},
      {"version", textOrNull(about.version)},
      {"description", textOrNull(about.description)},
      {"authors", textOrNull(about.authors)},
      {"licenses", textOrNull(about.licenses)},
      {"source", textOrNull(about.source)},
      {"homepage", textOrNull(about.homepage)},
      {"revision", textOrNull(about.revision)},
  };
}

std::string_view runName(wit::RunKind kind) {
  switch (kind) {
    case wit::RunKind::kHttpP3: return "http-p3";
    case wit::RunKind::kHttpP2: return "http-p2";
    case wit::RunKind::kCommandP3: return "command-p3";
    case wit::RunKind::kCommandP2: return "command-p2";
    case wit::RunKind::kPreview1: return "preview1";
    case wit::RunKind::kNone: return "none";
  }
  return "none";
}

json::object dataJson(const Inspection& inspection) {
  const ComponentInfo& info = inspection.info;
  json::value native = nullptr;
  if (inspection.native_code_bytes) native = *inspection.native_code_bytes;
  const bool is_module = info.kind == wit::BinaryKind::kModule;
  return {
      {"type", is_module ? "module" : "component"},
      {"wit", textOrNull(inspection.wit)},
      {"imports", namesJson(info.imports)},
      {"exports", namesJson(info.exports)},
      {"versions", versionsJson(info)},
      {"wasi", wit::wasiLevelName(info.wasi)},
      {"runs", runName(inspection.runs)},
      {"async", info.needsFullEngine()},
      {"size", info.size_bytes},
      {"sections", sectionsJson(info)},
      {"memory", memoryJson(info)},
      {"tables", info.tables},
      {"coreModules", info.modules},
      {"producers", producersJson(info.producers)},
      {"about", aboutJson(info.about)},
      {"digest", inspection.digest},
      {"nativeCodeBytes", std::move(native)},
  };
}

void appendIndented(std::string& out, const json::value& value, std::size_t depth);

void appendLine(std::string& out, std::size_t depth) { out.append("\n").append(2 * depth, ' '); }

void appendObject(std::string& out, const json::object& object, std::size_t depth) {
  out += '{';
  std::string_view separator;
  for (const auto& [key, value] : object) {
    out += separator;
    appendLine(out, depth + 1);
    appendJsonString(out, key);
    out += ": ";
    appendIndented(out, value, depth + 1);
    separator = ",";
  }
  appendLine(out, depth);
  out += '}';
}

void appendArray(std::string& out, const json::array& array, std::size_t depth) {
  out += '[';
  std::string_view separator;
  for (const json::value& value : array) {
    out += separator;
    appendLine(out, depth + 1);
    appendIndented(out, value, depth + 1);
    separator = ",";
  }
  appendLine(out, depth);
  out += ']';
}

// The documents here are a few levels deep, so recursion is bounded.
void appendIndented(std::string& out, const json::value& value, std::size_t depth) {
  if (value.is_object() && !value.get_object().empty()) {
    appendObject(out, value.get_object(), depth);
  } else if (value.is_array() && !value.get_array().empty()) {
    appendArray(out, value.get_array(), depth);
  } else if (value.is_string()) {
    appendJsonString(out, value.get_string());
  } else {
    out += json::serialize(value);
  }
}

}  // namespace

std::string inspectionJson(const Inspection& inspection) {
  const json::object object = {
      {"message", fmt::format("{} {}", inspection.file, inspection.use)},
      {"success", true},
      {"data", dataJson(inspection)},
  };
  std::string out;
  appendIndented(out, object, 0);
  return out + "\n";
}

}  // namespace nimbus::wash
