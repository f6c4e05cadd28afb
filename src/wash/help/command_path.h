#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace nimbus::wash {

// Where the words of a command line lead: to a command, whose options and those of its parents
// count. For what has to understand a line that the parser refuses, or that is not complete yet.
//
//   CommandPath path(app);
//   for (const std::string& word : words) path.pass(word);
//   path.command();
class CommandPath {
 public:
  // `app` outlives it.
  explicit CommandPath(const CLI::App& app) : commands_{&app} {}

  // The next word.
  void pass(const std::string& word);

  [[nodiscard]] const CLI::App& command() const { return *commands_.back(); }
  // As it is typed: "wash oci pull".
  [[nodiscard]] std::string name() const;
  // The option whose value comes next; null if none waits for one.
  [[nodiscard]] const CLI::Option* waiting() const { return waiting_; }
  // "--" has passed.
  [[nodiscard]] bool onlyValues() const { return only_values_; }
  // How many words were values of the command itself.
  [[nodiscard]] std::size_t values() const { return values_.size(); }
  [[nodiscard]] const std::vector<std::string>& valueWords() const { return values_; }
  // Those of them that stand before "--".
  [[nodiscard]] std::span<const std::string> wordsBeforeMark() const {
    return std::span(values_).first(before_mark_);
  }
  // The first word that is neither an option nor, where a command must follow, a command; empty if
  // there is none.
  [[nodiscard]] const std::string& unknown() const { return unknown_; }

  // The options of the command, of its groups, and of those above it.
  template <typename Each>
  void eachOption(const Each& each) const {
    for (auto at = commands_.rbegin(); at != commands_.rend(); ++at) eachOptionOf(**at, each);
  }

 private:
  template <typename Each>
  static void eachOptionOf(const CLI::App& app, const Each& each) {
    for (const CLI::Option* option : app.get_options()) each(*option);
    for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; }))
      if (child->get_name().empty()) eachOptionOf(*child, each);
  }
  [[nodiscard]] const CLI::App* findCommand(const std::string& word) const;
  void passOption(const std::string& word);
  void passValue(const std::string& word);

  std::vector<const CLI::App*> commands_;  // from the program itself downwards
  const CLI::Option* waiting_ = nullptr;
  bool only_values_ = false;
  std::vector<std::string> values_;
  std::size_t before_mark_ = 0;  // of those
  std::string unknown_;
};

// The commands below `app` that are not hidden.
[[nodiscard]] std::vector<const CLI::App*> commandsOf(const CLI::App& app);

}  // namespace nimbus::wash
