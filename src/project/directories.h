#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace nimbus::project {

// A variable of the environment; nothing if it is not set.
using ReadVariable = std::function<std::optional<std::string>(std::string_view name)>;
// Of this process.
[[nodiscard]] ReadVariable processVariables();

// Where `wash` keeps what is the user's, by the XDG base directory specification. Nothing is made
// here: who writes makes its folder.
struct Directories {
  std::string data;     // $XDG_DATA_HOME/wash, or ~/.local/share/wash
  std::string cache;    // $XDG_CACHE_HOME/wash, or ~/.cache/wash: may be deleted at any time
  std::string config;   // $XDG_CONFIG_HOME/wash, or ~/.config/wash
  std::string plugins;  // <data>/plugins
};

// kNotFound if neither the XDG variables nor HOME say where. As the specification has it, a
// relative path in one of the XDG variables is as good as none.
[[nodiscard]] Result<Directories> findDirectories(const ReadVariable& variable);
// `Directories::data` alone.
[[nodiscard]] Result<std::string> findDataFolder(const ReadVariable& variable);

}  // namespace nimbus::project
