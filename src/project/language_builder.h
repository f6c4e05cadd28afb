#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "project/build.h"
#include "project/toolbox.h"

namespace nimbus::project {

// What a builder may look at.
struct BuildContext {
  const BuildRequest& request;
  const Toolbox& tools;
  std::filesystem::path folder;  // of the project
  std::filesystem::path output;  // where the component is wanted
  BuildProfile profile = BuildProfile::kRelease;

  [[nodiscard]] bool debug() const { return profile == BuildProfile::kDebug; }
  // For what comes before the component; beside it.
  [[nodiscard]] std::filesystem::path coreModule() const;
};

// Adds to the end of a list.
template <typename T>
void append(std::vector<T>& list, const std::vector<T>& more) {
  list.insert(list.end(), more.begin(), more.end());
}

// One program to run in the project's folder.
struct BuildStep {
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment = {};
  bool reads_output = false;  // standard output is for locate(), and not shown
};

struct BuildPlan {
  std::vector<BuildStep> steps;
  std::vector<std::string> notes = {};  // for the user
};

// How projects of one language are built by their own tools. Has no state; any thread.
class LanguageBuilder {
 public:
  virtual ~LanguageBuilder() = default;

  // As in build.language and in results: "rust".
  [[nodiscard]] virtual std::string_view language() const = 0;
  // The file by which a folder is known to be of this language; empty if it is not.
  [[nodiscard]] virtual std::string marker(const std::filesystem::path& folder) const = 0;
  [[nodiscard]] virtual BuildProduct product() const { return BuildProduct::kComponent; }
  // What to run. kNotFound names a tool that is missing and how to get it.
  [[nodiscard]] virtual Result<BuildPlan> plan(const BuildContext& context) const = 0;
  // The file that the steps have made: a component, a core module or a program. `output` is what
  // the steps that ask for it have written.
  [[nodiscard]] virtual Result<std::filesystem::path> locate(const BuildContext& context,
                                                             std::string_view output) const = 0;
};

// All of them, in the order of their names.
[[nodiscard]] const std::vector<const LanguageBuilder*>& languageBuilders();

// The builder of a folder: by build.language, else by its files. A Makefile counts only where no
// other file says more. kNotFound: none fits; kInvalidArgument: several do, all named.
[[nodiscard]] Result<const LanguageBuilder*> findBuilder(const std::filesystem::path& folder,
                                                         const BuildSettings& settings);

}  // namespace nimbus::project
