#include "wash/terminal/terminal_consent.h"

#include <termios.h>

#include <string>
#include <utility>

#include "base/text.h"
#include "wash/output/bottom_line.h"
#include "wash/terminal/ask.h"
#include "wash/terminal/interrupt.h"
#include "wash/terminal/screen.h"

namespace nimbus::wash {
namespace {

// There is one terminal.
std::mutex& terminal() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

TerminalConsent::EndsColours TerminalConsent::endsColours() {
  return Screen::isThere() ? EndsColours::kAlways : EndsColours::kNever;
}

std::stop_token TerminalConsent::token() {
  const std::lock_guard lock(mutex_);
  return refusing_.get_token();
}

void TerminalConsent::refuse() {
  const std::lock_guard lock(mutex_);
  refusing_.request_stop();
}

void TerminalConsent::askAgain() {
  const std::lock_guard lock(mutex_);
  refusing_ = std::stop_source();
}

plugin::Answer TerminalConsent::ask(const plugin::Question& question) {
  const std::lock_guard lock(terminal());
  const std::stop_token stop = token();
  if (stop.stop_requested()) return plugin::Answer::kNo;
  const ScreenTaken taken;
  // Ends the line of whatever printed before. The texts of a question are safe to print; what a
  // command of a plugin prints itself is not looked at.
  out_ << (ends_colours_ == EndsColours::kAlways ? "\x1b[0m\n" : "\n");
  if (question.plugin.size() + question.wants.size() + question.reason.size() > kMaxShownBytes) {
    out_ << "Plugin " << question.plugin.substr(0, 64)
         << " wants something that is too long to be shown: it may not\n"
         << std::flush;
    return plugin::Answer::kNo;
  }
  out_ << "Plugin " << question.plugin << " wants to " << question.wants;
  if (!question.reason.empty()) out_ << "\n  because: " << question.reason;
  ::tcflush(in_, TCIFLUSH);  // fails where it is no terminal: nobody types ahead there
  // At once, so that nothing that is typed stands in the middle.
  const bool lasting = question.term == plugin::Question::Term::kLasting;
  out_ << (lasting ? "\nAllow? [y]es, until it is replaced or you revoke it, [N]o: "
                   : "\nAllow? [y]es this time, [a]lways, [N]o: ")
       << std::flush;
  return answer(question.term, stop);
}

plugin::Answer TerminalConsent::answer(plugin::Question::Term term, const std::stop_token& stop) {
  std::stop_source over;
  const std::stop_callback refused(stop, [&over] { over.request_stop(); });
  const std::stop_callback interrupted(Interrupt::current(), [&over] { over.request_stop(); });
  const auto line = readAnswer(in_, over.get_token());
  if (!line) {
    out_ << '\n' << std::flush;
    return plugin::Answer::kNo;
  }
  const std::string answer = lowerAscii(*line);
  if (answer == "y" || answer == "yes") return plugin::Answer::kOnce;
  // Where it is lasting in any case, this is not offered.
  const bool chosen = term == plugin::Question::Term::kChosen;
  if (chosen && (answer == "a" || answer == "always")) return plugin::Answer::kAlways;
  return plugin::Answer::kNo;
}

}  // namespace nimbus::wash
