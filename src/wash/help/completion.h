#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace nimbus::wash {

class CommandPath;

enum class Shell { kBash, kZsh, kFish, kPowerShell, kElvish };
[[nodiscard]] std::string_view shellName(Shell shell);  // "bash"

// The script that makes a shell complete `wash`. It asks the program itself (completeWords), so it
// knows the commands of plugins that are installed later.
[[nodiscard]] std::string completionScript(Shell shell);

// The word by which the scripts ask: `wash __complete WORD…`.
inline constexpr std::string_view kCompleteWord = "__complete";

// What an option or argument can be, where its help does not list that: names of plugins, and the
// like. Nothing where it can be anything. `path` is what stands before it.
using KnownWords = std::function<std::optional<std::vector<std::string>>(
    const CommandPath& path, const CLI::Option& option)>;

// What the last of `words` can become, each with a description: commands, options, and values of
// those that have a fixed set, as the parser and `known` know them. `words` are those behind
// `wash`; the last one may be empty.
struct Completion {
  std::string word;
  std::string help;
};
struct Completions {
  std::vector<Completion> words;
  bool files = false;  // the name of a file or folder fits too
};
[[nodiscard]] Completions completeWords(const CLI::App& app, const std::vector<std::string>& words,
                                        const KnownWords& known);

// One line for each: "WORD<tab>HELP". A last line ":files" where files fit.
[[nodiscard]] std::string completionLines(const Completions& completions);

}  // namespace nimbus::wash
