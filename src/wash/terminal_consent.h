#pragma once

#include <istream>
#include <ostream>

#include "plugin/consent.h"

namespace nimbus::wash {

// Asks on a terminal: y (this time), a (always), everything else is no.
class TerminalConsent final : public plugin::Consent {
 public:
  // Both outlive it.
  TerminalConsent(std::istream& in, std::ostream& out) : in_(in), out_(out) {}
  [[nodiscard]] plugin::Answer ask(const plugin::Question& question) override;

 private:
  std::istream& in_;
  std::ostream& out_;
};

}  // namespace nimbus::wash
