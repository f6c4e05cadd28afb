#include "wash/terminal/terminal_consent.h"

#include <termios.h>
#include <unistd.h>

#include "base/text.h"
#include "wash/terminal/ask.h"
#include "wash/terminal/interrupt.h"
#include "wash/terminal/screen.h"

namespace nimbus::wash {

std::string consentText(const plugin::Question& question) {
  std::string text = "Plugin " + question.plugin + " wants to " + question.wants;
  if (!question.reason.empty()) text += "\n  because: " + question.reason;
  return text + "\nAllow? [y]es this time, [a]lways, [N]o: ";
}

plugin::Answer answerOf(std::string_view line) {
  const std::string answer = lowerAscii(trim(line));
  if (answer == "y" || answer == "yes") return plugin::Answer::kOnce;
  if (answer == "a" || answer == "always") return plugin::Answer::kAlways;
  return plugin::Answer::kNo;
}

plugin::Answer TerminalConsent::ask(const plugin::Question& question) {
  ::tcflush(STDIN_FILENO, TCIFLUSH);
  // The plugin may have written to the terminal: in which colours, is no matter of the question.
  const std::string begin = Screen::isThere() ? "\x1b[0m" : "";
  const auto line = askLine(begin + consentText(question), Interrupt::current());
  return line ? answerOf(*line) : plugin::Answer::kNo;
}

}  // namespace nimbus::wash
