#pragma once

#include <string>

namespace nimbus::plugin {

// What a plugin wants, for the user to judge. Texts are safe to print.
struct Question {
  std::string plugin;
  std::string wants;   // "run /usr/bin/docker run --rm otel"
  std::string reason;  // as the plugin gives it; may be empty
  // Whether agreeing can be for this run, or is to be remembered in any case.
  enum class Term { kChosen, kLasting };
  Term term = Term::kChosen;
};

// Where the term is lasting, kOnce is kAlways.
enum class Answer { kNo, kOnce, kAlways };

// Asks the user. On any thread; blocks until there is an answer.
class Consent {
 public:
  virtual ~Consent() = default;
  [[nodiscard]] virtual Answer ask(const Question& question) = 0;
};

// Where nobody can be asked.
class NoConsent final : public Consent {
 public:
  [[nodiscard]] Answer ask(const Question& /*question*/) override { return Answer::kNo; }
};

}  // namespace nimbus::plugin
