#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "host/manifest/yaml_reader.h"
#include "project/settings.h"

namespace nimbus::project {

// The names of a configuration file, in a project's `.wash` folder and in the user's folder. The
// first that is there is read.
inline constexpr std::string_view kConfigFolder = ".wash";
inline constexpr std::string_view kConfigFileNames[] = {"config.yaml", "config.yml", "config.json",
                                                        "config.toml"};

struct Project {
  std::string folder;       // absolute
  std::string config_file;  // empty if it has none
};

// Without a slash at its end, behind which a path has no name: "lib" of "lib/".
[[nodiscard]] std::string withoutLastSlash(const std::string& folder);

// As the folder of a project is written: without dots and a slash at its end. As it is where the
// current folder is gone.
[[nodiscard]] std::string absoluteFolder(const std::string& folder);

// The nearest folder at or above `folder` that has a configuration file in `.wash`; else `folder`
// itself.
[[nodiscard]] Project findProject(const std::string& folder);

// The configuration file of a `.wash` or user folder; empty if there is none.
[[nodiscard]] std::string findConfigFile(const std::string& folder);

// A value given by a flag: `{"dev.address", "127.0.0.1:0", "--address"}`. Lists are separated by
// commas, maps are NAME=VALUE pairs separated by commas.
struct ConfigFlag {
  std::string key;
  std::string value;
  std::string flag;  // for messages
};

// Everything a configuration is made of, weakest first.
struct ConfigSources {
  std::string user_file;  // empty: none
  std::string project_file;
  std::vector<std::pair<std::string, std::string>> environment;  // names beginning with WASH_
  std::vector<ConfigFlag> flags;
};

// The sources of this process: the files of the user and of the project, and its environment.
// Without `user_file` it is the one in the user's folder, if there is one.
[[nodiscard]] ConfigSources standardSources(const Project& project, std::string user_file);

// Where a value comes from.
struct Origin {
  enum class Kind { kDefault, kUser, kProject, kEnvironment, kFlag };

  Kind kind = Kind::kDefault;
  std::string name;        // the file, the variable or the flag
  std::uint32_t line = 0;  // of the file

  // "/home/x/.config/wash/config.yaml:3", "$WASH_DEV_ADDRESS", "--address", "default".
  [[nodiscard]] std::string describe() const;
};

// One thing that is wrong, or, as a warning, odd.
struct ConfigProblem {
  std::string where;       // the file, the variable or the flag
  std::uint32_t line = 0;  // of the file; 0: none
  std::string message;

  [[nodiscard]] std::string describe() const;
};

struct LoadedConfig {
  ProjectConfig config;
  host::YamlNode given;  // what the sources say together, without defaults
  std::map<std::string, Origin, std::less<>> origins;  // by key: "dev.address", "build.env.CC"
  std::string project_folder;                          // absolute; empty: of no project
  std::vector<ConfigProblem> warnings;

  // The origin of a key, or of the list or map that it stands in.
  [[nodiscard]] Origin originOf(std::string_view key) const;
  [[nodiscard]] bool isGiven(std::string_view key) const {
    return originOf(key).kind != Origin::Kind::kDefault;
  }
};

// Reads and merges the sources: values of stronger ones replace those of weaker ones, maps are
// merged key by key, lists are replaced whole. Unknown keys, wrong types and values that contradict
// each other are kInvalidArgument: "<file>:<line>: unknown key "comand" in build; did you mean
// "command"?", with the number of further problems. A file that is named and missing is an error.
[[nodiscard]] Result<LoadedConfig> loadConfig(const ConfigSources& sources);

// The same for standardSources(): what a command in a project does.
[[nodiscard]] Result<LoadedConfig> loadProjectConfig(const Project& project,
                                                     std::vector<ConfigFlag> flags = {},
                                                     std::string user_file = {});

// All that is wrong with the sources, in their order; at most kMaxProblems.
inline constexpr std::size_t kMaxProblems = 100;
struct ConfigCheck {
  std::vector<ConfigProblem> errors;
  std::vector<ConfigProblem> warnings;
  LoadedConfig loaded;  // if there are no errors
};
[[nodiscard]] ConfigCheck checkConfig(const ConfigSources& sources);

}  // namespace nimbus::project
