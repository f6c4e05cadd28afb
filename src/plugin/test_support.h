#pragma once

#include <stdlib.h>

#include <deque>
#include <filesystem>
#include <string>
#include <vector>

#include "plugin/consent.h"
#include "plugin/plugin_info.h"

// For the tests of this folder only.
namespace nimbus::plugin {

// A folder that goes with the object.
class TestFolder {
 public:
  TestFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "nimbus-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string path(const std::string& name = {}) const {
    return name.empty() ? path_ : path_ + "/" + name;
  }

 private:
  std::string path_;
};

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
