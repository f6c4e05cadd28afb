#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "project/config.h"
#include "project/problems.h"
#include "project/schema.h"

// The steps from sources to one configuration; internal to config*.cc.
namespace nimbus::project {

// One source, checked: what it says, in proper names.
struct ConfigLayer {
  Origin origin;  // without a line
  YamlNode values;
  std::vector<ConfigProblem> problems;
};

// `kind` is kUser or kProject. An error is one of the file as a whole: missing, too large.
[[nodiscard]] Result<ConfigLayer> readConfigFile(const std::string& file, Origin::Kind kind);

// The others of its folder, which are not read because `file` is; none if that is another file.
[[nodiscard]] std::vector<std::string> findFurtherConfigFiles(const std::string& file);

// One layer of a single value each. Names that are no setting's are skipped; one that is nearly a
// setting's is a warning.
[[nodiscard]] std::vector<ConfigLayer> readEnvironment(
    const std::vector<std::pair<std::string, std::string>>& environment,
    std::vector<ConfigProblem>& warnings);
[[nodiscard]] std::vector<ConfigLayer> readFlags(const std::vector<ConfigFlag>& flags);

// The variable that sets a key, or nothing: "dev.tls_cert_path" is WASH_DEV_TLS_CERT_PATH. Keys
// within lists, and below names of the user's choice, have none.
struct Variable {
  std::string name;
  std::string key;
  const Key* spec;
};
[[nodiscard]] const std::vector<Variable>& configVariables();

using Origins = std::map<std::string, Origin, std::less<>>;
// Lays a layer over what weaker ones said.
void mergeLayer(YamlNode& into, const ConfigLayer& layer, Origins& origins);

// What the schema cannot say: values that need or exclude each other.
void checkMeaning(const LoadedConfig& loaded, std::vector<ConfigProblem>& errors);

}  // namespace nimbus::project
