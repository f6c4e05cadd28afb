#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/process.h"
#include "project/config.h"
#include "project/project_needs.h"
#include "project/toolbox.h"
#include "project/toolchain_table.h"

namespace nimbus::project {

// One thing that was looked at.
struct Check {
  enum class Status { kOk, kAbsent, kWarning, kError };

  std::string name = {};  // "cargo", "tinygo-for-go", "port"
  Status status = Status::kOk;
  bool required = false;     // this project cannot be built without it
  std::string version = {};  // as found; may be empty
  std::string path = {};     // of a program
  std::string message = {};  // what it means
  std::string fix = {};      // what helps: a command, or where to go; empty if nothing is wrong
  // A fix that changes nothing but the user's own tools and can be undone: may be run if agreed.
  std::vector<std::string> safe_fix = {};
};

[[nodiscard]] std::string_view statusName(Check::Status status);

struct DoctorReport {
  std::string language;  // of the project; empty if there is none
  std::vector<Check> checks;

  // Something required is wrong.
  [[nodiscard]] bool failed() const;
  // Something is wrong at all.
  [[nodiscard]] bool healthy() const;
};

// What a network check finds: whether an address is free, and whether a server answers.
class DoctorNetwork {
 public:
  virtual ~DoctorNetwork() = default;
  // Whether somebody could listen at "ADDRESS:PORT".
  [[nodiscard]] virtual Result<void> canListen(const std::string& address) = 0;
  // Whether a NATS server greets at the URL within two seconds.
  [[nodiscard]] virtual Result<void> natsAnswers(const std::string& url) = 0;
};

// A registry that WIT packages of the project come from.
struct WitRegistryUse {
  std::string registry;
  bool login_known = false;  // by the configuration of wkg or of the project
};

struct DoctorRequest {
  Project project;
  // Nothing if the configuration is wrong: then `config_error` says how.
  std::optional<LoadedConfig> config;
  std::string config_error;
  StringMap environment;  // HOME, WASI_SDK_PATH, …: of this process
  std::vector<WitRegistryUse> wit_registries = {};
  std::vector<std::string> wit_problems = {};  // what is wrong with where WIT comes from
  std::vector<std::string> dev_problems = {};  // what `wash dev` cannot do that it is to do
  // Looks up the credentials of a registry: true if there are any.
  std::function<Result<bool>(const std::string& registry)> credentials;
};

// Looks at everything; blocks for as long as the tools take to answer, each at most ten seconds.
[[nodiscard]] DoctorReport examine(const DoctorRequest& request, const Toolbox& tools,
                                   const ToolchainTable& table, DoctorNetwork& network);

// The parts, in this order.
void checkTools(const std::string& language, const std::string& folder, const ProjectNeeds& needs,
                const Toolbox& tools, const ToolchainTable& table, std::vector<Check>& into);
// After the tools.
void checkDemands(const ProjectNeeds& needs, const StringMap& environment,
                  const ToolchainTable& table, std::vector<Check>& into);
void checkCompilers(const std::string& language, const ProjectNeeds& needs,
                    const StringMap& environment, const Toolbox& tools, const ToolchainTable& table,
                    std::vector<Check>& into);
void checkProject(const DoctorRequest& request, DoctorNetwork& network, std::vector<Check>& into);

}  // namespace nimbus::project
