#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class FormatterBase;
}  // namespace CLI

namespace nimbus::wash {

// Writes the help of all commands.
[[nodiscard]] std::shared_ptr<CLI::FormatterBase> helpFormatter();

// The help of all commands that are not hidden, in Markdown.
[[nodiscard]] std::string helpMarkdown(const CLI::App& app);

// Questions about the parser, which are answered before anything is parsed: `wash __complete WORD…`
// and `wash --help-markdown`. `plugins` are the names of those that are installed. Nothing if the
// command line is none of them; else the exit status.
[[nodiscard]] std::optional<int> answerAboutItself(const CLI::App& app,
                                                   const std::vector<std::string>& plugins,
                                                   int argc, char** argv);

}  // namespace nimbus::wash
