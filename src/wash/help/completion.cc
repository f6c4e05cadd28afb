#include "wash/help/completion.h"

#include <algorithm>

#include <CLI/CLI.hpp>

#include "base/escape.h"
#include "base/text.h"
#include "wash/flags/flag_check.h"
#include "wash/help/command_path.h"

namespace nimbus::wash {
namespace {

constexpr std::size_t kMaxHelpBytes = 100;

// The first sentence, or what there is room for.
std::string shortHelp(std::string_view help) {
  std::string line = escaped(help.substr(0, help.find('\n')));
  if (line.size() > kMaxHelpBytes) line.resize(line.find_last_of(' ', kMaxHelpBytes));
  return line;
}

// What can come next where the words lead to.
class Position {
 public:
  Position(const CommandPath& path, const KnownWords& known) : path_(path), known_(known) {}

  [[nodiscard]] Completions complete(const std::string& word) const {
    Completions found;
    if (path_.waiting() != nullptr) {
      addChoices(*path_.waiting(), word, found);
    } else if (!path_.onlyValues() && word.starts_with("--") && word.contains('=')) {
      addOptionWithValue(word, found);
    } else if (!path_.onlyValues() && word.starts_with('-')) {
      addOptions(word, found);
    } else {
      if (!path_.onlyValues() && path_.values() == 0) addCommands(word, found);
      addValues(word, found);
    }
    return found;
  }

 private:
  void addChoices(const CLI::Option& option, const std::string& word, Completions& into) const {
    std::optional<std::vector<std::string>> choices = choicesOf(option);
    if (choices->empty()) choices = known_(path_, option);
    into.files = !choices;
    for (const std::string& choice : choices.value_or(std::vector<std::string>()))
      if (choice.starts_with(word)) into.words.push_back({choice, ""});
  }

  // "--output=j": what it can become whole.
  void addOptionWithValue(const std::string& word, Completions& into) const {
    const std::string begin = word.substr(0, word.find('=') + 1);
    const std::string name = begin.substr(0, begin.size() - 1);
    const CLI::Option* named = nullptr;
    path_.eachOption([&](const CLI::Option& option) {
      if (named == nullptr && option.check_name(name)) named = &option;
    });
    if (named == nullptr) return;
    addChoices(*named, word.substr(begin.size()), into);
    for (Completion& completion : into.words) completion.word.insert(0, begin);
    into.files = false;  // shells know no file of that name
  }

  void addOptions(const std::string& word, Completions& into) const {
    path_.eachOption([&](const CLI::Option& option) {
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
    for (const CLI::App* child : commandsOf(path_.command())) {
      if (child->get_name().starts_with(word))
        into.words.push_back({child->get_name(), shortHelp(child->get_description())});
    }
  }

  void addValues(const std::string& word, Completions& into) const {
    std::size_t index = 0;
    for (const CLI::Option* option : path_.command().get_options()) {
      if (!option->get_positional()) continue;
      const bool many = option->get_items_expected_max() > 1;
      if (index++ != path_.values() && !(many && index <= path_.values())) continue;
      addChoices(*option, word, into);
      return;
    }
  }

  const CommandPath& path_;
  const KnownWords& known_;
};

}  // namespace

Completions completeWords(const CLI::App& app, const std::vector<std::string>& words,
                          const KnownWords& known) {
  CommandPath path(app);
  for (std::size_t i = 0; i + 1 < words.size(); ++i) path.pass(words[i]);
  return Position(path, known).complete(words.empty() ? std::string() : words.back());
}

std::string completionLines(const Completions& completions) {
  std::string lines;
  for (const Completion& completion : completions.words)
    lines += completion.word + "\t" + completion.help + "\n";
  if (completions.files) lines += ":files\n";
  return lines;
}

}  // namespace nimbus::wash
