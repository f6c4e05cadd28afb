#include "wash/terminal_consent.h"

#include <string>

#include "base/text.h"

namespace nimbus::wash {

plugin::Answer TerminalConsent::ask(const plugin::Question& question) {
  out_ << "Plugin " << question.plugin << " wants to " << question.wants;
  if (!question.reason.empty()) out_ << "\n  because: " << question.reason;
  out_ << "\nAllow? [y]es this time, [a]lways, [N]o: " << std::flush;
  std::string line;
  if (!std::getline(in_, line)) return plugin::Answer::kNo;
  const std::string answer = lowerAscii(trim(line));
  if (answer == "y" || answer == "yes") return plugin::Answer::kOnce;
  if (answer == "a" || answer == "always") return plugin::Answer::kAlways;
  return plugin::Answer::kNo;
}

}  // namespace nimbus::wash
