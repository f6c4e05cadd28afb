#include "engine/proposals.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"
#include "rust/engine.h"

namespace nimbus::engine {
namespace {

struct Named {
  std::string_view name;
  Proposals switched;
  std::string_view missing;  // what the engine says where it is not on
};
constexpr Named kNamed[] = {
    {"component-model-async", {}, {}},
    {"component-model-map",
     {.component_model_map = true},
     "Maps require the component model map feature"},
    {"exception-handling", {}, {}},
    {"gc", {}, {}},
    {"tail-call", {}, {}},
    {"threads", {}, {}},
    {"wide-arithmetic", {.wide_arithmetic = true}, "wide arithmetic support is not enabled"},
};

std::string allNames() {
  std::string names;
  for (const Named& each : kNamed) names += (names.empty() ? "" : ", ") + std::string(each.name);
  return names;
}

}  // namespace

std::uint32_t Proposals::bits() const {
  return (wide_arithmetic ? NIMBUS_PROPOSAL_WIDE_ARITHMETIC : 0U) |
         (component_model_map ? NIMBUS_PROPOSAL_COMPONENT_MODEL_MAP : 0U);
}

Result<Proposals> proposalNamed(std::string_view name) {
  std::string wanted = lowerAscii(trim(name));
  std::ranges::replace(wanted, '_', '-');
  const auto* named = std::ranges::find(kNamed, wanted, &Named::name);
  if (named != std::end(kNamed)) return named->switched;
  return fail(
      ErrorCode::kInvalidArgument,
      fmt::format("\"{}\" is no proposal that is known here; there are {}", name, allNames()));
}

Proposals proposalsNamed(std::span<const std::string> names) {
  Proposals all;
  for (const std::string& name : names)
    if (const auto proposals = proposalNamed(name)) all = all | *proposals;
  return all;
}

std::string proposalMissing(std::string_view message) {
  for (const Named& each : kNamed)
    if (!each.missing.empty() && message.contains(each.missing))
      return fmt::format(
          "it needs the proposal {}, which can be switched on (--wasm-proposal, "
          "engine.proposals, dev.wasm_proposals)",
          each.name);
  return {};
}

}  // namespace nimbus::engine
