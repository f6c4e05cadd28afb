#pragma once

#include <deque>
#include <string>
#include <vector>

#include "base/test_folder.h"
#include "plugin/consent.h"
#include "plugin/plugin_info.h"

// For the tests of this folder only.
namespace nimbus::plugin {

// Answers as the test says, no beyond that, and remembers what was asked.
class FakeConsent final : public Consent {
 public:
  [[nodiscard]] Answer ask(const Question& question) override {
    asked.push_back(question.wants);
    lasting = question.term == Question::Term::kLasting;
    if (answers.empty()) return Answer::kNo;
    const Answer answer = answers.front();
    answers.pop_front();
    return answer;
  }
  std::deque<Answer> answers;
  std::vector<std::string> asked;
  bool lasting = false;  // the last one
};

[[nodiscard]] inline PluginInfo infoNamed(const std::string& name) {
  PluginInfo info;
  info.metadata.name = name;
  info.metadata.version = "1.0.0";
  return info;
}

[[nodiscard]] inline types::Command commandNamed(const std::string& name) {
  types::Command command;
  command.name = name;
  return command;
}

}  // namespace nimbus::plugin
