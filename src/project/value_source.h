#pragma once

#include <string>
#include <vector>

#include "base/process.h"
#include "base/result.h"
#include "project/directories.h"
#include "project/settings.h"

namespace nimbus::project {

// What was found, what it was found in, and what the user should know about it.
struct ResolvedValues {
  StringMap values;
  std::vector<std::string> files;     // that were read: files and folders, absolute
  std::vector<std::string> warnings;  // without values
};

// Reads the values that entries of `configs` and `secrets` stand for, for the layers that name
// them. Files must stand within the project's folder and are reached without following links; those
// of secrets must be of mode 0600 or 0400, and one that git does not ignore is a warning. Entries
// of a `dir` may be links that stay in it, as Kubernetes makes them. No message has a value in it.
//
//   ValueResolver resolver(project.folder, processVariables(), runner);
//   TRY(auto environment, resolver.resolve("workload", config.workload.environment, config));
class ValueResolver {
 public:
  // `runner` runs git, and outlives the object.
  ValueResolver(std::string project_folder, ReadVariable variable, ProcessRunner& runner);

  // `owner` names the layer in messages. kInvalidArgument, kNotFound, kPermissionDenied.
  [[nodiscard]] Result<ResolvedValues> resolve(const std::string& owner, const ValueLayer& layer,
                                               const ProjectConfig& config);

 private:
  enum class Care { kConfig, kSecret };

  Result<void> add(const std::string& name, const ValueSource& source, Care care,
                   ResolvedValues& into);
  Result<void> addFile(const std::string& name, const std::string& path, Care care,
                       ResolvedValues& into);
  Result<void> addFolder(const std::string& name, const std::string& path, Care care,
                         ResolvedValues& into);
  void warnIfTracked(const std::string& name, const std::string& file, ResolvedValues& into);

  std::string folder_;
  ReadVariable variable_;
  ProcessRunner& runner_;
};

}  // namespace nimbus::project
