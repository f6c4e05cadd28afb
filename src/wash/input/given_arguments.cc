#include "wash/input/given_arguments.h"

#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace nimbus::wash {

Action::Inputs givenArguments(const CLI::App& app) {
  const CLI::App* command = &app;
  while (!command->get_subcommands().empty()) command = command->get_subcommands().front();
  Action::Inputs given;
  for (const CLI::Option* option : command->get_options()) {
    if (!option->get_positional() || option->count() == 0) continue;
    given.emplace(argumentKey(option->get_single_name()), argumentText(option->results()));
  }
  return given;
}

Action withArguments(const Action& action, const CLI::App& app) {
  Action::Inputs inputs = action.inputs();
  inputs.merge(givenArguments(app));
  Action whole;
  whole.set(action.name(), std::move(inputs),
            [&action](plugin::HookContext& context) { return action.perform(context); });
  return whole;
}

std::string argumentKey(std::string_view name) { return fmt::format("arguments.{}", name); }

std::string argumentText(const std::vector<std::string>& values) {
  return fmt::format("{}", fmt::join(values, "\n"));
}

}  // namespace nimbus::wash
