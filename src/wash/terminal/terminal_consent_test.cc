#include "wash/terminal/terminal_consent.h"

#include <pty.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <sstream>
#include <thread>

#include <gtest/gtest.h>

namespace nimbus::wash {
namespace {

using plugin::Answer;
using Term = plugin::Question::Term;
using EndsColours = TerminalConsent::EndsColours;

// Keeps what is written, and calls back whenever it is flushed: the question stands there then.
class Screen final : public std::stringbuf {
 public:
  explicit Screen(std::function<void()> shown = [] {}) : shown_(std::move(shown)) {}

 private:
  int sync() override {
    shown_();
    return 0;
  }
  const std::function<void()> shown_;
};

class Pipe {
 public:
  explicit Pipe(const std::string& typed) {
    EXPECT_EQ(::pipe(ends_.data()), 0);
    EXPECT_EQ(::write(ends_[1], typed.data(), typed.size()), static_cast<ssize_t>(typed.size()));
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  ~Pipe() {
    ::close(ends_[0]);
    end();
  }
  void end() {
    if (ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
  }
  [[nodiscard]] int out() const { return ends_[0]; }

 private:
  std::array<int, 2> ends_{};
};

Answer answerTo(const std::string& typed, Term term = Term::kChosen) {
  Pipe in(typed);
  in.end();
  std::ostringstream out;
  return TerminalConsent(in.out(), out, EndsColours::kNever)
      .ask({"otel", "run /usr/bin/docker", "", term});
}

TEST(TerminalConsentTest, OnlyAClearYesIsOne) {
  EXPECT_EQ(answerTo("y\n"), Answer::kOnce);
  EXPECT_EQ(answerTo(" YES \n"), Answer::kOnce);
  EXPECT_EQ(answerTo("a\n"), Answer::kAlways);
  EXPECT_EQ(answerTo("always\n"), Answer::kAlways);
  for (const char* typed : {"", "\n", "n\n", "no\n", "yess\n", "1\n", "y"})
    EXPECT_EQ(answerTo(typed), Answer::kNo) << typed;
}

TEST(TerminalConsentTest, WhatLastsInAnyCaseIsAgreedToByYesAlone) {
  EXPECT_EQ(answerTo("y\n", Term::kLasting), Answer::kOnce);
  EXPECT_EQ(answerTo("a\n", Term::kLasting), Answer::kNo);
  EXPECT_EQ(answerTo("always\n", Term::kLasting), Answer::kNo);
}

TEST(TerminalConsentTest, SaysWhoWantsWhatAndWhyOnALineOfItsOwn) {
  Pipe in("n\n");
  std::ostringstream out;
  EXPECT_EQ(TerminalConsent(in.out(), out, EndsColours::kNever)
                .ask({"otel", "run /usr/bin/docker", "to collect"}),
            Answer::kNo);
  EXPECT_EQ(out.str(),
            "\nPlugin otel wants to run /usr/bin/docker\n  because: to collect\n"
            "Allow? [y]es this time, [a]lways, [N]o: ");
}

TEST(TerminalConsentTest, EndsColoursWhereTheyCouldHideTheQuestion) {
  const auto begin = [](EndsColours ends_colours) {
    Pipe in("n\n");
    std::ostringstream out;
    TerminalConsent consent(in.out(), out, ends_colours);
    EXPECT_EQ(consent.ask({"otel", "run x", ""}), Answer::kNo);
    return out.str().substr(0, out.str().find("Plugin"));
  };
  EXPECT_EQ(begin(EndsColours::kAlways), "\x1b[0m\n");
  EXPECT_EQ(begin(EndsColours::kNever), "\n");
}

TEST(TerminalConsentTest, RefusesWhatCannotBeShownInFull) {
  Pipe in("y\n");
  std::ostringstream out;
  TerminalConsent consent(in.out(), out, EndsColours::kNever);
  EXPECT_EQ(consent.ask({"otel", "run " + std::string(9000, 'x'), ""}), Answer::kNo);
  EXPECT_EQ(out.str().find("Allow?"), std::string::npos);
  EXPECT_LT(out.str().size(), 200U);
  EXPECT_EQ(consent.ask({"otel", "run " + std::string(8000, 'x'), ""}), Answer::kOnce);
}

TEST(TerminalConsentTest, WhatWasTypedBeforeIsNoAnswer) {
  int user = -1;
  int terminal = -1;
  ASSERT_EQ(::openpty(&user, &terminal, nullptr, nullptr, nullptr), 0);
  ASSERT_EQ(::write(user, "y\n", 2), 2);
  Screen screen([user] { EXPECT_EQ(::write(user, "always\n", 7), 7); });
  std::ostream out(&screen);
  EXPECT_EQ(TerminalConsent(terminal, out, EndsColours::kNever).ask({"otel", "run x", ""}),
            Answer::kAlways);
  ::close(user);
  ::close(terminal);
}

TEST(TerminalConsentTest, CanBeEndedWhileItAsks) {
  Pipe in("");
  TerminalConsent* asking = nullptr;
  Screen screen([&asking] { asking->refuse(); });
  std::ostream out(&screen);
  TerminalConsent consent(in.out(), out, EndsColours::kNever);
  asking = &consent;
  EXPECT_EQ(consent.ask({"otel", "run x", ""}), Answer::kNo);
  const std::string said = screen.str();
  EXPECT_EQ(consent.ask({"otel", "run x", ""}), Answer::kNo);
  EXPECT_EQ(screen.str(), said);  // not even asked
}

TEST(TerminalConsentTest, OneQuestionStandsThereAtATime) {
  Pipe first_in("");
  Pipe second_in("n\n");
  std::ostringstream second_out;
  TerminalConsent second(second_in.out(), second_out, EndsColours::kNever);
  std::jthread other;
  TerminalConsent* asking = nullptr;
  // While the first question stands there, the second is begun; the first ends only after that.
  Screen screen([&] {
    if (other.joinable()) return;
    other = std::jthread([&] { EXPECT_EQ(second.ask({"b", "run y", ""}), Answer::kNo); });
    EXPECT_TRUE(second_out.view().empty());
    asking->refuse();
  });
  std::ostream out(&screen);
  TerminalConsent first(first_in.out(), out, EndsColours::kNever);
  asking = &first;
  EXPECT_EQ(first.ask({"a", "run x", ""}), Answer::kNo);
  other.join();
  EXPECT_NE(second_out.view().find("Plugin b"), std::string_view::npos);
}

}  // namespace
}  // namespace nimbus::wash
