#include "wash/project/build_report.h"

#include <chrono>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/escape.h"

namespace nimbus::wash {
namespace {

std::string sizeText(std::uint64_t bytes) {
  constexpr double kKib = 1024;
  const auto amount = static_cast<double>(bytes);
  if (amount < kKib) return fmt::format("{} bytes", bytes);
  if (amount < kKib * kKib) return fmt::format("{:.1f} KiB", amount / kKib);
  return fmt::format("{:.1f} MiB", amount / (kKib * kKib));
}

// Names of a binary are not to be trusted.
std::vector<std::string> printable(const std::vector<std::string>& names) {
  std::vector<std::string> result;
  for (const std::string& name : names) result.push_back(escaped(name));
  return result;
}

std::string listText(std::string_view label, const std::vector<std::string>& names) {
  if (names.empty()) return fmt::format("\n{} nothing", label);
  return fmt::format("\n{} {}", label, fmt::join(printable(names), ", "));
}

}  // namespace

std::string buildText(const project::BuildOutcome& outcome, bool verbose) {
  const double seconds = std::chrono::duration<double>(outcome.duration).count();
  std::string text = fmt::format("built {} ({}, {:.1f} s)", outcome.component_path,
                                 sizeText(outcome.size_bytes), seconds);
  if (outcome.product == project::BuildProduct::kProgram)
    return text + fmt::format(
                      "\na provider, which is a program and no component; to start it: {} "
                      "unix:PATH|tcp:ADDRESS:PORT|nats://SERVER/PREFIX",
                      outcome.component_path);
  text += listText("exports", outcome.exports);
  text += verbose ? listText("imports", outcome.imports)
                  : fmt::format("\nimports {} interfaces", outcome.imports.size());
  return text;
}

std::vector<DataField> buildFields(const project::BuildOutcome& outcome,
                                   const std::string& project_folder) {
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(outcome.duration).count();
  const bool program = outcome.product == project::BuildProduct::kProgram;
  const std::string path = jsonText(outcome.component_path);
  std::vector<DataField> fields = {{"component_path", program ? "null" : path},
                                   {"project_path", jsonText(project_folder)},
                                   {"language", jsonText(outcome.language)},
                                   {"size_bytes", std::to_string(outcome.size_bytes)},
                                   {"duration_ms", std::to_string(milliseconds)},
                                   {"imports", jsonList(outcome.imports)},
                                   {"exports", jsonList(outcome.exports)}};
  if (program) fields.emplace_back("program_path", path);
  return fields;
}

}  // namespace nimbus::wash
