#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/result.h"
#include "wash/output/output.h"
#include "wash/project/new_choice.h"

namespace nimbus::wash {

struct FinishRequest {
  std::string folder;  // of the new project
  bool interactive = false;
  bool consent = false;   // to new.command, given beforehand
  std::string user_file;  // the user's configuration; empty: the one in the user's folder
  std::stop_token stop = {};
};

struct FinishedProject {
  bool command_run = false;
  std::vector<std::string> notes;  // for the user: what to do, what is missing
};

// What comes after the files are there: runs new.command of the project's own configuration if the
// user agrees, and finds out whether the tools to build the project are here. An error of the
// command is an error; the project stays.
[[nodiscard]] Result<FinishedProject> finishProject(const FinishRequest& request,
                                                    ProcessRunner& runner);

[[nodiscard]] std::string createdText(const std::string& name, const std::string& folder,
                                      const ChosenTemplate& chosen,
                                      const FinishedProject& finished);
[[nodiscard]] std::vector<DataField> createdFields(const std::string& name,
                                                   const std::string& folder,
                                                   const ChosenTemplate& chosen,
                                                   const FinishedProject& finished);

}  // namespace nimbus::wash
