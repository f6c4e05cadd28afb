#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "plugin/contract.h"

namespace nimbus::plugin {

// Who asks: a permission is of one version of a plugin.
struct PluginIdentity {
  std::string name;
  std::string digest;  // "sha256:<hex>" of its binary

  friend bool operator==(const PluginIdentity&, const PluginIdentity&) = default;
};

// One thing that a plugin may do.
struct Grant {
  enum class Kind { kProgram, kHost, kRead, kWrite, kVariable };

  Kind kind = Kind::kProgram;
  // An absolute path of a program or folder, an entry of hosts, or a variable's name.
  std::string subject;
  std::vector<std::string> arguments;  // patterns (argument_pattern.h), of a program

  friend bool operator==(const Grant&, const Grant&) = default;
};

// "program", "host", "read", "write", "env".
[[nodiscard]] std::string_view kindName(Grant::Kind kind);
[[nodiscard]] Result<Grant::Kind> parseKind(std::string_view name);

// In words, safe to print: "run /usr/bin/docker run **".
[[nodiscard]] std::string describe(const Grant& grant);

// A rule of `--allow` or of the user's configuration, for runs where nobody can be asked:
//   NAME:program docker run **     NAME:host api.example.com:443     NAME:read /data
//   NAME:write /data               NAME:env API_TOKEN                NAME:declared
// The last one stands for all that the plugin declares. Words of a program are separated by spaces;
// quotes and backslashes work as in a shell, but a backslash before `*` stays.
struct AllowRule {
  std::string plugin;
  bool declared = false;
  Grant grant;  // a program as it is written: a name is looked up when it is used
};
[[nodiscard]] Result<AllowRule> parseAllowRule(std::string_view text);

// Whether the program runs whatever its arguments, input or files say: a shell, an interpreter, or
// one that starts other programs. By the name, and that of what it links to.
[[nodiscard]] bool isShell(std::string_view absolute_path);

}  // namespace nimbus::plugin
