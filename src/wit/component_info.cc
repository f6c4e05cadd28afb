#include "wit/component_info.h"

#include <algorithm>
#include <boost/json.hpp>
#include <limits>
#include <utility>

#include "wit/tools.h"

namespace nimbus::wit {
namespace {

namespace json = boost::json;

constexpr std::uint64_t kMostBytes = std::numeric_limits<std::uint64_t>::max();

std::string textOrEmpty(const json::object& object, std::string_view key) {
  const json::value& value = object.at(key);
  return value.is_string() ? json::value_to<std::string>(value) : std::string();
}

std::uint64_t number(const json::object& object, std::string_view key) {
  return object.at(key).to_number<std::uint64_t>();
}

std::vector<ExternName> readNames(const json::value& list) {
  std::vector<ExternName> names;
  names.reserve(list.as_array().size());
  for (const json::value& entry : list.as_array()) {
    const json::object& object = entry.as_object();
    std::string name = textOrEmpty(object, "name");
    std::string implements =
        object.contains("implements") ? textOrEmpty(object, "implements") : std::string();
    InterfaceName parts = parseInterfaceName(implements.empty() ? name : implements);
    names.push_back(
        {std::move(name), textOrEmpty(object, "kind"), std::move(parts), std::move(implements)});
  }
  return names;
}

ModuleEntry readEntry(const json::value& entry) {
  if (!entry.is_string()) return ModuleEntry::kNone;
  return entry.as_string() == "command" ? ModuleEntry::kCommand : ModuleEntry::kReactor;
}

void readClassification(const json::object& document, ComponentInfo& info) {
  const bool is_module = document.at("type").as_string() == "module";
  info.kind = is_module ? BinaryKind::kModule : BinaryKind::kComponent;
  info.needs_async = document.at("async").as_bool();
  info.has_inner_calls = document.at("innerCalls").as_bool();
  info.imports_preview1 = document.at("preview1").as_bool();
  info.carries_world = document.at("world").as_bool();
  info.entry = readEntry(document.at("entry"));
  info.imports = readNames(document.at("imports"));
  info.exports = readNames(document.at("exports"));
}

MemoryInfo readMemory(const json::object& memory) {
  MemoryInfo info;
  info.initial_pages = number(memory, "initialPages");
  if (memory.at("maximumPages").is_number()) info.maximum_pages = number(memory, "maximumPages");
  info.page_bytes = number(memory, "pageBytes");
  info.memory64 = memory.at("memory64").as_bool();
  info.shared = memory.at("shared").as_bool();
  return info;
}

Producers readProducers(const json::object& document) {
  Producers producers;
  for (const auto& field : document) {
    auto& values = producers[std::string(field.key())];
    for (const auto& value : field.value().as_object()) {
      values[std::string(value.key())] = json::value_to<std::string>(value.value());
    }
  }
  return producers;
}

PackageAbout readAbout(const json::object& document) {
  return {
      .name = textOrEmpty(document, "name"),
      .version = textOrEmpty(document, "version"),
      .description = textOrEmpty(document, "description"),
      .authors = textOrEmpty(document, "authors"),
      .licenses = textOrEmpty(document, "licenses"),
      .source = textOrEmpty(document, "source"),
      .homepage = textOrEmpty(document, "homepage"),
      .revision = textOrEmpty(document, "revision"),
  };
}

void readMetadata(const json::object& document, ComponentInfo& info) {
  for (const json::value& memory : document.at("memories").as_array()) {
    info.memories.push_back(readMemory(memory.as_object()));
  }
  for (const auto& section : document.at("sections").as_object()) {
    info.section_bytes[std::string(section.key())] = section.value().to_number<std::uint64_t>();
  }
  info.tables = number(document, "tables");
  info.modules = number(document, "modules");
  info.components = number(document, "components");
  info.size_bytes = number(document, "size");
  info.producers = readProducers(document.at("producers").as_object());
  info.about = readAbout(document);
}

void findRunnableExports(ComponentInfo& info) {
  if (info.kind == BinaryKind::kModule) return;
  for (const ExternName& exported : info.exports) {
    if (exported.kind != "instance") continue;
    const auto is = [&exported](std::string_view interface, std::string_view version) {
      return interfaceMatches(interface, version, exported.name);
    };
    const std::string& version = exported.parts.version;
    if (is("wasi:http/incoming-handler", "0.2")) info.incoming_handler_version = version;
    if (is("wasi:http/handler", "0.3")) info.handler_version = version;
    // With both, the newer one is run.
    const bool has_newer = info.run_version.starts_with("0.3.");
    if (is("wasi:cli/run", "0.3") || (is("wasi:cli/run", "0.2") && !has_newer)) {
      info.run_version = version;
    }
  }
}

WasiLevel levelOf(const InterfaceName& name) {
  if (!name.package.starts_with("wasi:")) return WasiLevel::kNone;
  return name.version.starts_with("0.3.") ? WasiLevel::kP3 : WasiLevel::kP2;
}

WasiLevel findWasiLevel(const ComponentInfo& info) {
  if (info.kind == BinaryKind::kModule) {
    return info.imports_preview1 ? WasiLevel::kP1 : WasiLevel::kNone;
  }
  WasiLevel level = WasiLevel::kNone;
  for (const ExternName& name : info.imports) level = std::max(level, levelOf(name.parts));
  for (const ExternName& name : info.exports) level = std::max(level, levelOf(name.parts));
  return level;
}

}  // namespace

std::string_view wasiLevelName(WasiLevel level) {
  switch (level) {
    case WasiLevel::kNone: return "none";
    case WasiLevel::kP1: return "p1";
    case WasiLevel::kP2: return "p2";
    case WasiLevel::kP3: return "p3";
  }
  return "none";
}

std::uint64_t MemoryInfo::initialBytes() const {
  std::uint64_t bytes = 0;
  return __builtin_mul_overflow(initial_pages, page_bytes, &bytes) ? kMostBytes : bytes;
}

std::uint64_t ComponentInfo::initialMemoryBytes() const {
  std::uint64_t sum = 0;
  for (const MemoryInfo& memory : memories)
    if (__builtin_add_overflow(sum, memory.initialBytes(), &sum)) return kMostBytes;
  return sum;
}

std::uint64_t ComponentInfo::largestInitialMemoryBytes() const {
  std::uint64_t most = 0;
  for (const MemoryInfo& memory : memories) most = std::max(most, memory.initialBytes());
  return most;
}

Result<ComponentInfo> inspectComponent(ByteView binary) {
  TRY(const std::string classification, classifyJson(binary));
  // Both documents come from the library, so what does not fit is a bug.
  try {
    const json::object names = json::parse(classification).as_object();
    if (names.at("type").as_string() == "unknown") {
      return fail(ErrorCode::kInvalidArgument, "not a WebAssembly binary");
    }
    TRY(const std::string metadata, metadataJson(binary));
    ComponentInfo info;
    readClassification(names, info);
    readMetadata(json::parse(metadata).as_object(), info);
    findRunnableExports(info);
    info.wasi = findWasiLevel(info);
    return info;
  } catch (const std::exception& exception) {
    return fail(ErrorCode::kInternal,
                std::string("internal: the description of a binary: ") + exception.what());
  }
}

RunKind runKind(const ComponentInfo& info) {
  if (info.kind == BinaryKind::kModule) {
    const bool is_preview1 = info.imports_preview1 || info.entry != ModuleEntry::kNone;
    const bool exports_world = info.carries_world && is_preview1;
    const bool is_command = info.entry == ModuleEntry::kCommand;
    return is_command || exports_world ? RunKind::kPreview1 : RunKind::kNone;
  }
  if (!info.handler_version.empty()) return RunKind::kHttpP3;
  if (!info.incoming_handler_version.empty()) return RunKind::kHttpP2;
  if (info.run_version.starts_with("0.3.")) return RunKind::kCommandP3;
  if (!info.run_version.empty()) return RunKind::kCommandP2;
  return RunKind::kNone;
}

}  // namespace nimbus::wit
