#pragma once

#include <string>
#include <string_view>

#include "plugin/consent.h"

namespace nimbus::wash {

// Asks on the terminal. What was typed before the question is no answer to it, and Ctrl-C is no.
class TerminalConsent final : public plugin::Consent {
 public:
  [[nodiscard]] plugin::Answer ask(const plugin::Question& question) override;
};

[[nodiscard]] std::string consentText(const plugin::Question& question);
// y (this time), a (always); everything else is no.
[[nodiscard]] plugin::Answer answerOf(std::string_view line);

}  // namespace nimbus::wash
