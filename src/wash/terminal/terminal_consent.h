#pragma once

#include <mutex>
#include <ostream>
#include <stop_token>
#include <string_view>

#include "plugin/consent.h"

namespace nimbus::wash {

// Asks on a terminal: y (this time, or for good where the question is about that), a (always, where
// that can be chosen), everything else is no. One question stands there at a time, whichever of
// these asks. What was typed before it is no answer to it, and what cannot be shown in full is
// refused. Any thread.
class TerminalConsent final : public plugin::Consent {
 public:
  static constexpr std::size_t kMaxShownBytes = 8 * 1024;

  // Whether colours that others have left on the terminal, which could hide a question, are ended
  // before it.
  enum class EndsColours { kNever, kAlways };
  // Always where standard error takes control sequences. That sets no colour: NO_COLOR, which those
  // others may not heed, is another matter.
  [[nodiscard]] static EndsColours endsColours();

  // `out` outlives it. Answers are read from the descriptor.
  TerminalConsent(int in, std::ostream& out, EndsColours ends_colours)
      : in_(in), out_(out), ends_colours_(ends_colours) {}
  [[nodiscard]] plugin::Answer ask(const plugin::Question& question) override;

  // The answer is no, to the question that stands there as well, until askAgain().
  void refuse();
  void askAgain();

 private:
  [[nodiscard]] std::stop_token token();
  [[nodiscard]] plugin::Answer answer(plugin::Question::Term term, const std::stop_token& stop);

  const int in_;
  std::ostream& out_;
  const EndsColours ends_colours_;
  std::mutex mutex_;
  std::stop_source refusing_;  // under the mutex
};

}  // namespace nimbus::wash
