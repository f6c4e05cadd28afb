#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "wit/document.h"

namespace nimbus::wrpc {

// Variants, enums, options and results alike: a number, and what comes with it.
struct CaseList {
  std::uint32_t count = 0;
  // The types by number; those behind the end have none.
  std::vector<std::optional<wit::TypeRef>> payloads;
  // For variants: their cases, instead of `payloads`.
  const std::vector<wit::Case>* cases = nullptr;

  [[nodiscard]] std::optional<wit::TypeRef> payload(std::uint32_t number) const {
    if (cases != nullptr) return (*cases)[number].type;
    return number < payloads.size() ? payloads[number] : std::nullopt;
  }
};

// Nothing for types of another kind.
[[nodiscard]] inline std::optional<CaseList> caseList(const wit::TypeKind& kind) {
  CaseList list;
  if (const auto* variant = std::get_if<wit::Variant>(&kind)) {
    list.count = static_cast<std::uint32_t>(variant->cases.size());
    list.cases = &variant->cases;
  } else if (const auto* enumeration = std::get_if<wit::Enum>(&kind)) {
    list.count = static_cast<std::uint32_t>(enumeration->cases.size());
  } else if (const auto* option = std::get_if<wit::Option>(&kind)) {
    list.count = 2;
    list.payloads = {std::nullopt, option->some};
  } else if (const auto* result = std::get_if<wit::ResultType>(&kind)) {
    list.count = 2;
    list.payloads = {result->ok, result->err};
  } else {
    return std::nullopt;
  }
  return list;
}

}  // namespace nimbus::wrpc
