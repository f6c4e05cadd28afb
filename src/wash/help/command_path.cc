#include "wash/help/command_path.h"

namespace nimbus::wash {
namespace {

bool takesValue(const CLI::Option& option) { return option.get_items_expected_max() > 0; }

// "--port=80" is "--port", and "-p80" is "-p".
std::string optionName(const std::string& word) {
  if (word.starts_with("--")) return word.substr(0, word.find('='));
  return word.substr(0, 2);
}

}  // namespace

void CommandPath::pass(const std::string& word) {
  if (waiting_ != nullptr) {
    waiting_ = nullptr;
  } else if (word == "--") {
    only_values_ = true;
  } else if (!only_values_ && word.size() > 1 && word.starts_with('-')) {
    passOption(word);
  } else if (const CLI::App* next =
                 only_values_ || !values_.empty() ? nullptr : findCommand(word)) {
    commands_.push_back(next);
  } else {
    passValue(word);
  }
}

std::string CommandPath::name() const {
  std::string name;
  for (const CLI::App* command : commands_) {
    if (!name.empty()) name += ' ';
    name += command->get_name();
  }
  return name;
}

const CLI::App* CommandPath::findCommand(const std::string& word) const {
  for (const CLI::App* child : command().get_subcommands([](const CLI::App*) { return true; }))
    if (!child->get_name().empty() && child->check_name(word)) return child;
  return nullptr;
}

void CommandPath::passOption(const std::string& word) {
  const std::string name = optionName(word);
  const CLI::Option* found = nullptr;
  eachOption([&](const CLI::Option& option) {
    if (found == nullptr && option.check_name(name)) found = &option;
  });
  if (found == nullptr && unknown_.empty()) unknown_ = name;
  if (found != nullptr && takesValue(*found) && name == word) waiting_ = found;
}

void CommandPath::passValue(const std::string& word) {
  values_.push_back(word);
  if (!only_values_) before_mark_ = values_.size();
  if (unknown_.empty() && command().get_require_subcommand_min() > 0) unknown_ = word;
}

std::vector<const CLI::App*> commandsOf(const CLI::App& app) {
  std::vector<const CLI::App*> commands;
  for (const CLI::App* child : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!child->get_name().empty() && !child->get_group().empty()) commands.push_back(child);
  return commands;
}

}  // namespace nimbus::wash
