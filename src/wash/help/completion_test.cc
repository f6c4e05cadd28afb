#include "wash/help/completion.h"

#include <optional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <CLI/CLI.hpp>

#include "wash/help/command_path.h"

namespace nimbus::wash {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

// A program with a command in each shape that the real one has.
class Complete : public testing::Test {
 protected:
  Complete() {
    app_.add_option("-o,--output", text_, "How it is printed")->option_text("text|json");
    app_.add_flag("--verbose", flag_, "More detail");
    CLI::App* config = app_.add_subcommand("config", "Configuration");
    config->add_subcommand("show", "Show it");
    config->add_subcommand("secret", "Not told")->group("");
    CLI::App* shell = app_.add_subcommand("completion", "A script");
    shell->add_option("shell", text_, "The shell")->option_text("bash|zsh");
    CLI::App* run = app_.add_subcommand("run", "Run it");
    run->add_option("file", text_, "The file")->option_text("FILE|FOLDER");
    run->add_option_group("limits")->add_option("--max", text_, "At most");
    app_.add_subcommand("remove", "Remove it")->add_option("name", text_, "Which");
  }

  std::vector<std::string> words(const std::vector<std::string>& line) {
    const auto known = [&](const CommandPath& path, const CLI::Option& option) {
      return path.name() == "wash remove" && option.get_name() == "name" ? std::optional(known_)
                                                                         : std::nullopt;
    };
    found_ = completeWords(app_, line, known);
    std::vector<std::string> words;
    for (const Completion& completion : found_.words) words.push_back(completion.word);
    return words;
  }

  CLI::App app_{"x", "wash"};
  std::string text_;
  bool flag_ = false;
  std::vector<std::string> known_{"one", "other", "third"};
  Completions found_;
};

TEST_F(Complete, CommandsByTheirBeginning) {
  EXPECT_THAT(words({""}), ElementsAre("config", "completion", "run", "remove"));
  EXPECT_THAT(words({"co"}), ElementsAre("config", "completion"));
  EXPECT_FALSE(found_.files);
}

TEST_F(Complete, CommandsBelowACommandThatAreNotHidden) {
  EXPECT_THAT(words({"config", ""}), ElementsAre("show"));
}

TEST_F(Complete, OptionsOfTheCommandItsGroupsAndThoseAboveIt) {
  EXPECT_THAT(words({"run", "--"}), Contains("--max"));
  EXPECT_THAT(words({"run", "--"}), Contains("--verbose"));
  EXPECT_THAT(words({"config", "--"}), Not(Contains("--max")));
  EXPECT_THAT(words({"--v"}), ElementsAre("--verbose"));
  EXPECT_THAT(words({"-o"}), ElementsAre("-o"));
}

TEST_F(Complete, ValuesOfOptionsAndArguments) {
  EXPECT_THAT(words({"--output", ""}), ElementsAre("text", "json"));
  EXPECT_THAT(words({"run", "-o", "j"}), ElementsAre("json"));
  EXPECT_THAT(words({"completion", ""}), ElementsAre("bash", "zsh"));
  EXPECT_THAT(words({"-o", "json", "comp"}), ElementsAre("completion"));
}

TEST_F(Complete, ValuesBehindAnEqualsSign) {
  EXPECT_THAT(words({"--output="}), ElementsAre("--output=text", "--output=json"));
  EXPECT_THAT(words({"run", "--output=j"}), ElementsAre("--output=json"));
  EXPECT_THAT(words({"run", "--max="}), IsEmpty());
  EXPECT_THAT(words({"--nothing="}), IsEmpty());
}

TEST_F(Complete, WhatIsKnownThoughHelpDoesNotListIt) {
  EXPECT_THAT(words({"remove", ""}), ElementsAre("one", "other", "third"));
  EXPECT_THAT(words({"remove", "o"}), ElementsAre("one", "other"));
  known_.clear();
  EXPECT_THAT(words({"remove", ""}), IsEmpty());
  EXPECT_FALSE(found_.files) << "there is none, and no file is one";
}

TEST_F(Complete, FilesWhereAnyValueFits) {
  EXPECT_THAT(words({"run", "x"}), IsEmpty());
  EXPECT_TRUE(found_.files);
  EXPECT_THAT(words({"run", "--max", ""}), IsEmpty());
  EXPECT_TRUE(found_.files);
  EXPECT_THAT(words({"run", "a.wasm", ""}), IsEmpty());
  EXPECT_FALSE(found_.files) << "there is only one file";
}

TEST_F(Complete, NoOptionsBehindTwoDashes) { EXPECT_THAT(words({"run", "--", "-"}), IsEmpty()); }

TEST_F(Complete, PrintsALineForEach) {
  EXPECT_EQ(completionLines({{{"run", "Run it"}}, true}), "run\tRun it\n:files\n");
}

}  // namespace
}  // namespace nimbus::wash
