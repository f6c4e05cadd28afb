#include "wash/inspect/inspect.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/escape.h"
#include "engine/digest.h"
#include "wit/tools.h"

namespace nimbus::wash {
namespace {

using wit::ComponentInfo;

bool isPlainText(std::string_view line) {
  return std::ranges::all_of(line, [](char c) { return (c >= ' ' && c <= '~') || c == '\t'; });
}

// WIT with its line breaks; doc comments in it may hold anything.
std::string escapedLines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    if (isPlainText(line)) {
      out += line;
    } else {
      appendEscaped(out, line);
    }
    out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  while (out.ends_with("\n\n")) out.pop_back();
  return out;
}

std::string sizeText(std::uint64_t bytes) {
  constexpr std::uint64_t kKib = 1024;
  constexpr std::uint64_t kMib = kKib * kKib;
  constexpr std::uint64_t kGib = kKib * kMib;
  const auto amount = static_cast<double>(bytes);
  if (bytes < kKib) return fmt::format("{} bytes", bytes);
  if (bytes < kMib) return fmt::format("{:.1f} KiB", amount / static_cast<double>(kKib));
  if (bytes < kGib) return fmt::format("{:.1f} MiB", amount / static_cast<double>(kMib));
  return fmt::format("{:.1f} GiB", amount / static_cast<double>(kGib));
}

std::string maximumText(const std::vector<wit::MemoryInfo>& memories) {
  if (memories.size() != 1) return {};
  const wit::MemoryInfo& memory = memories[0];
  if (!memory.maximum_pages) return ", no maximum";
  std::uint64_t bytes = 0;
  if (__builtin_mul_overflow(*memory.maximum_pages, memory.page_bytes, &bytes)) return {};
  return fmt::format(", at most {}", sizeText(bytes));
}

std::string memoryText(const ComponentInfo& info) {
  if (info.memories.empty()) return "none";
  const std::string start = sizeText(info.initialMemoryBytes());
  if (info.memories.size() == 1) {
    return fmt::format("{} at the start{}", start, maximumText(info.memories));
  }
  return fmt::format("{} at the start in {} memories", start, info.memories.size());
}

std::string producersText(const wit::Producers& producers) {
  std::string text;
  for (const auto& [field, values] : producers) {
    for (const auto& [name, version] : values) {
      if (!text.empty()) text += ", ";
      text += escaped(name);
      if (!version.empty()) text += " " + escaped(version);
    }
  }
  return text;
}

std::string_view kindText(const ComponentInfo& info) {
  return info.kind == wit::BinaryKind::kModule ? "core module" : "component";
}

std::string_view wasiText(wit::WasiLevel level) {
  switch (level) {
    case wit::WasiLevel::kNone: return "no WASI";
    case wit::WasiLevel::kP1: return "WASI 0.1 (preview 1)";
    case wit::WasiLevel::kP2: return "WASI 0.2";
    case wit::WasiLevel::kP3: return "WASI 0.3";
  }
  return "no WASI";
}

struct Use {
  wit::RunKind runs = wit::RunKind::kNone;
  std::string text;
};

Use useOf(const ComponentInfo& info) {
  const wit::RunKind runs = wit::runKind(info);
  switch (runs) {
    case wit::RunKind::kHttpP3:
      return {runs, fmt::format("serves HTTP (wasi:http/handler@{})", info.handler_version)};
    case wit::RunKind::kHttpP2:
      return {runs, fmt::format("serves HTTP (wasi:http/incoming-handler@{})",
                                info.incoming_handler_version)};
    case wit::RunKind::kCommandP3:
    case wit::RunKind::kCommandP2:
      return {runs, fmt::format("runs as a command (wasi:cli/run@{})", info.run_version)};
    case wit::RunKind::kPreview1:
    case wit::RunKind::kNone: break;
  }
  return {wit::RunKind::kNone, "does not run on its own"};
}

// Of what looks like a module of preview 1: whether it is one shows when it is wrapped.
Use useOfPreview1(ByteView module, const ComponentInfo& info) {
  const auto component = wit::wrapPreview1(module);
  if (!component)
    return {wit::RunKind::kNone, "does not run: " + escaped(component.error().describe())};
  if (info.entry == wit::ModuleEntry::kCommand)
    return {wit::RunKind::kPreview1, "runs as a command (_start)"};
  const auto exported = wit::inspectComponent(component->view());
  Use use = exported ? useOf(*exported) : Use();
  if (use.runs == wit::RunKind::kNone) use.text = "is a library of its embedded world";
  return use;
}

void appendFact(std::string& out, std::string_view label, std::string_view value) {
  if (!value.empty()) out += fmt::format("// {:<12} {}\n", label, value);
}

std::string summary(const Inspection& inspection) {
  const ComponentInfo& info = inspection.info;
  std::string out;
  out += fmt::format("// {}: {}, {}, {}\n", escaped(inspection.file), kindText(info),
                     wasiText(info.wasi), inspection.use);
  appendFact(out, "name", escaped(info.about.name));
  appendFact(out, "version", escaped(info.about.version));
  appendFact(out, "description", escaped(info.about.description));
  appendFact(out, "size", sizeText(info.size_bytes));
  appendFact(out, "native code",
             inspection.native_code_bytes ? sizeText(*inspection.native_code_bytes)
                                          : std::string("not in the cache"));
  appendFact(out, "memory", memoryText(info));
  appendFact(out, "made by", producersText(info.producers));
  appendFact(out, "digest", inspection.digest);
  return out;
}

}  // namespace

Result<Inspection> inspect(std::string_view file, ByteView binary,
                           std::optional<std::uint64_t> native_code_bytes) {
  auto read = wit::inspectComponent(binary);
  if (!read) return fail(read.error().code(), std::string(file), std::move(read).error());
  // Of proposals those too that `wash run` takes on request only.
  if (auto valid = wit::validate(binary, wit::Proposals::kAll); !valid)
    return fail(valid.error().code(), std::string(file), std::move(valid).error());
  ComponentInfo info = *std::move(read);
  std::string text;
  if (info.kind == wit::BinaryKind::kComponent) {
    TRY(text, wit::witText(binary));
  }
  Use use =
      wit::runKind(info) == wit::RunKind::kPreview1 ? useOfPreview1(binary, info) : useOf(info);
  return Inspection{
      .file = std::string(file),
      .info = std::move(info),
      .wit = std::move(text),
      .runs = use.runs,
      .use = std::move(use.text),
      .digest = engine::digestText(engine::sha256(binary)),
      .native_code_bytes = native_code_bytes,
  };
}

std::string inspectionText(const Inspection& inspection) {
  std::string out = escapedLines(inspection.wit);
  if (!out.empty()) out += '\n';
  return out + summary(inspection);
}

}  // namespace nimbus::wash
