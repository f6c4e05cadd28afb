#include "wash/completion.h"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "base/escape.h"
#include "base/text.h"

namespace nimbus::wash {
namespace {

constexpr std::size_t kMaxHelpBytes = 100;

// The first sentence, or what there is room for.
std::string shortHelp(std::string_view help) {
  std::string line = escaped(help.substr(0, help.find('\n')));
  if (line.size() > kMaxHelpBytes) line.resize(line.find_last_of(' ', kMaxHelpBytes));
  return line;
}

bool takesValue(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

// Of "text|json"; empty if the values are not a fixed set.
std::vector<std::string> choicesOf(const CLI::Option& option) {
  std::vector<std::string> choices;
  const std::string& text = option.get_option_text();
  if (!text.contains('|') || text.find_first_of(" <[=:") != std::string::npos) return choices;
  for (const std::string_view choice : split(text, '|')) choices.emplace_back(choice);
  return choices;
}

// Where the words lead: to a command, whose options and those of its parents count.
class Position {
 public:
  explicit Position(const CLI::App& app) : commands_{&app} {}

  // A word that stands before the one to complete.
  void pass(const std::string& word) {
    if (waiting_ != nullptr) {
      waiting_ = nullptr;
    } else if (word == "--") {
      only_values_ = true;
    } else if (!only_values_ && word.size() > 1 && word.starts_with('-')) {
      passOption(word);
    } else if (const CLI::App* command = only_values_ ? nullptr : findCommand(word)) {
      commands_.push_back(command);
    } else {
      values_ += 1;
    }
  }

  [[nodiscard]] Completions complete(const std::string& word) const {
    Completions found;
    if (waiting_ != nullptr) {
      addChoices(*waiting_, word, found);
    } else if (!only_values_ && word.starts_with('-')) {
      addOptions(word, found);
    } else {
      if (!only_values_ && values_ == 0) addCommands(word, found);
      addValues(word, found);
    }
    return found;
  }

 private:
  [[nodiscard]] const CLI::App& command() const { return *commands_.back(); }

  [[nodiscard]] const CLI::App* findCommand(const std::string& word) const {
    for (const CLI::App* child : command().get_subcommands([](const CLI::App*) { return true; }))
      if (child->check_name(word)) return child;
    return nullptr;
  }

  // The options of the command, of its groups, and of those above it.
  template <typename Each>
  void eachOption(const Each& each) const {
    for (auto at = commands_.rbegin(); at != commands_.rend(); ++at) eachOptionOf(**at, each);
  }
  template <typename Each>
  static void eachOptionOf(const CLI::App& app, const Each& each) {
    for (const CLI::Option* option : app.get_options()) each(*option);
    for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; }))
      if (child->get_name().empty()) eachOptionOf(*child, each);
  }

  void passOption(const std::string& word) {
    if (word.contains('=')) return;
    eachOption([&](const CLI::Option& option) {
      if (waiting_ == nullptr && option.check_name(word) && takesValue(option)) waiting_ = &option;
    });
  }

  static void addChoices(const CLI::Option& option, const std::string& word, Completions& into) {
    const std::vector<std::string> choices = choicesOf(option);
    for (const std::string& choice : choices)
      if (choice.starts_with(word)) into.words.push_back({choice, ""});
    into.files = choices.empty();
  }

  void addOptions(const std::string& word, Completions& into) const {
    eachOption([&](const CLI::Option& option) {
      if (option.get_group().empty()) return;
      const std::string help = shortHelp(option.get_description());
      for (const std::string& name : option.get_lnames())
        if (("--" + name).starts_with(word)) into.words.push_back({"--" + name, help});
      if (word.starts_with("--")) return;
      for (const std::string& name : option.get_snames())
        if (("-" + name).starts_with(word)) into.words.push_back({"-" + name, help});
    });
  }

  void addCommands(const std::string& word, Completions& into) const {
    for (const CLI::App* child : command().get_subcommands([](const CLI::App*) { return true; })) {
      if (child->get_group().empty() || child->get_name().empty()) continue;
      if (child->get_name().starts_with(word))
        into.words.push_back({child->get_name(), shortHelp(child->get_description())});
    }
  }

  void addValues(const std::string& word, Completions& into) const {
    std::size_t index = 0;
    for (const CLI::Option* option : command().get_options()) {
      if (!option->get_positional()) continue;
      const bool many = option->get_items_expected_max() > 1;
      if (index++ != values_ && !(many && index <= values_)) continue;
      addChoices(*option, word, into);
      return;
    }
  }

  std::vector<const CLI::App*> commands_;  // from the program itself downwards
  const CLI::Option* waiting_ = nullptr;   // the option whose value comes next
  bool only_values_ = false;               // behind "--"
  std::size_t values_ = 0;                 // positional ones so far
};

}  // namespace

Completions completeWords(const CLI::App& app, const std::vector<std::string>& words) {
  Position position(app);
  for (std::size_t i = 0; i + 1 < words.size(); ++i) position.pass(words[i]);
  return position.complete(words.empty() ? std::string() : words.back());
}

std::string completionLines(const Completions& completions) {
  std::string lines;
  for (const Completion& completion : completions.words)
    lines += completion.word + "\t" + completion.help + "\n";
  if (completions.files) lines += ":files\n";
  return lines;
}

}  // namespace nimbus::wash
