#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plugin/contract.h"

namespace nimbus::plugin {

// The contract that a plugin was built against.
enum class Abi { kWasmcloud001, kWasmcloud002, kNimbus010 };

// "wasmcloud:wash@0.0.1", …
[[nodiscard]] std::string_view abiName(Abi abi);
[[nodiscard]] Result<Abi> parseAbi(std::string_view name);

// What a plugin says of itself, and what its binary says of it.
struct PluginInfo {
  Abi abi = Abi::kNimbus010;
  types::Metadata metadata;
  // The word of `wash <word>` for the plugin's own command. Plugins of older contracts may choose
  // another than their name.
  std::string command_word;
  // What it exports beside the contract, by full names: "wasi:blobstore/container@0.2.0-draft".
  std::vector<std::string> interfaces;
  bool uses_http = false;      // imports an outgoing handler
  bool uses_runner = false;    // imports functions of the contract: what it may ask of its runner
  bool runs_programs = false;  // imports the functions that run programs

  friend bool operator==(const PluginInfo&, const PluginInfo&) = default;
};

// Whether it is one that can be installed: within the bounds below, with names that can be typed.
// kInvalidArgument says what is wrong.
[[nodiscard]] Result<void> checkInfo(const PluginInfo& info);

// Letters, digits, `-`, `_` and `.`, beginning with a letter or digit, at most 64.
[[nodiscard]] bool isName(std::string_view name);

// The words that the plugin adds to the command line: of its command, and its own name if it has
// sub-commands.
[[nodiscard]] std::vector<std::string> commandWords(const PluginInfo& info);

// The environment variables that flags of its commands take values from, each once.
[[nodiscard]] std::vector<std::string> variablesOf(const PluginInfo& info);

// Kinds of what a plugin of an older contract, which declares nothing, may ask for when it needs
// it: "program", "host". Others ask only for what they declare.
[[nodiscard]] std::vector<std::string> mayAskFor(const PluginInfo& info);

// Whether it has a command or sub-commands.
[[nodiscard]] bool hasCommands(const PluginInfo& info);

// Whether it exports a handler of HTTP requests.
[[nodiscard]] bool handlesHttp(const PluginInfo& info);

// How one with `dev-register` serves components of `wash dev`: composed with each, or called, by an
// instance for each of theirs or by one for all.
enum class Serving { kComposed, kCalled, kLongLived };
[[nodiscard]] Serving servingOf(const PluginInfo& info);

// The plugin's name as that of a file: characters but letters, digits, `-` and `_` become `_`.
[[nodiscard]] std::string fileStem(std::string_view name);

inline constexpr std::size_t kMaxNameBytes = 64;
inline constexpr std::size_t kMaxTextBytes = 16 * 1024;  // of one description or other text
inline constexpr std::size_t kMaxCommands = 64;
inline constexpr std::size_t kMaxFlags = 128;  // flags and arguments of one command
inline constexpr std::size_t kMaxHooks = 128;
inline constexpr std::size_t kMaxCapabilities = 64;  // of each kind
inline constexpr std::size_t kMaxPatterns = 64;      // of one program
inline constexpr std::size_t kMaxInfoBytes = 1 << 20;
inline constexpr std::size_t kMaxInterfaces = 256;
inline constexpr std::size_t kMaxInfoFileBytes = 8 * kMaxInfoBytes;

}  // namespace nimbus::plugin
