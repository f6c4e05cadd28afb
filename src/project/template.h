#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "project/settings.h"

namespace nimbus::project {

struct TemplateFile {
  std::string path;  // relative, with slashes; checked by scaffold()
  std::string content;
  bool executable = false;
};

// What a template says of itself.
struct TemplateInfo {
  std::string name;  // "http-hello"
  std::string language;
  std::string description;
  std::string next;      // what to do first in the project, as a shell command
  bool verified = true;  // a test builds and runs it
};

// What a new project is made of.
struct Template {
  TemplateInfo info;
  // Values for placeholders beside those of the project. A folder without a manifest has no
  // placeholders at all: its files are copied as they are.
  StringMap variables;
  bool has_placeholders = false;
  std::vector<TemplateFile> files;
};

// The file that makes a folder a template of ours; it does not get into projects.
inline constexpr std::string_view kTemplateManifest = "wash-template.json";

// A part of other templates that belongs to this one too.
struct TemplateInclude {
  std::string from;  // a folder in templates/shared
  std::string to;
};

struct TemplateManifest {
  TemplateInfo info;
  StringMap variables;
  std::vector<TemplateInclude> includes;  // of those inside the program only
};

// Reads a manifest: an object with "name" and "language", and if need be "description", "next",
// "verified", "variables" and "include". kInvalidArgument says what is wrong.
[[nodiscard]] Result<TemplateManifest> parseTemplateManifest(std::string_view json);

}  // namespace nimbus::project
