#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "base/process.h"
#include "base/result.h"
#include "project/template.h"
#include "project/template_folder.h"
#include "wash/output/output.h"

namespace nimbus::wash {

// What a user says of the project to be made; empty where nothing was said.
struct NewChoice {
  std::string name;
  std::string path;
  std::string template_name;
  std::string language;
  project::GitTemplate git;
  std::string local;
};

// The templates that can be named: those inside the program, and those of the configuration.
struct TemplateCatalog {
  std::vector<project::TemplateInfo> builtin;
  std::vector<project::TemplateSettings> configured;
};
// `user_file` is the user's configuration; empty: the one in the user's folder.
[[nodiscard]] Result<TemplateCatalog> readCatalog(const std::string& user_file);
[[nodiscard]] std::string catalogText(const TemplateCatalog& catalog);
[[nodiscard]] std::vector<DataField> catalogFields(const TemplateCatalog& catalog);

struct ChoiceSurroundings {
  ProcessRunner& runner;
  bool interactive = false;  // what is not said is asked for; else it is an error with the choices
  std::stop_token stop = {};
};

struct ChosenTemplate {
  project::Template contents;
  std::string default_name;  // of the project, where the user gives none
  std::string repository;    // where it comes from, if it is not inside the program
  std::string subfolder;
};

// Finds and reads the template. kInvalidArgument if what is said contradicts itself or is not
// enough; kNotFound if there is no such template. Both list what there is.
[[nodiscard]] Result<ChosenTemplate> chooseTemplate(const NewChoice& choice,
                                                    const TemplateCatalog& catalog,
                                                    const ChoiceSurroundings& surroundings);

}  // namespace nimbus::wash
