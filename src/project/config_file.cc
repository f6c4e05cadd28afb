// Configuration files: where they are, and from their bytes to a layer.

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "project/config_layer.h"
#include "project/json_reader.h"
#include "project/toml_reader.h"

namespace nimbus::project {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;

// Whatever it is: reading it says what is wrong with that.
bool isThere(const fs::path& path) {
  std::error_code error;
  return fs::exists(fs::symlink_status(path, error));
}

// A file of nothing but comments says nothing.
bool isBlank(std::string_view text) {
  return std::ranges::all_of(split(text, '\n'), [](std::string_view line) {
    const std::string_view content = trim(line);
    return content.empty() || content.starts_with('#');
  });
}

Result<YamlNode> parse(const std::string& text, const std::string& file) {
  if (file.ends_with(".toml")) return parseToml(text, file);
  if (file.ends_with(".json")) return parseJson(text, file);
  if (isBlank(text)) return mapNode();
  TRY(YamlNode document, host::parseYaml(text, file));
  if (document.kind == YamlNode::Kind::kNull) return mapNode();
  return document;
}

// Takes out of a project's file what is the user's alone to say.
void refuseUserOnly(YamlNode& values, const Section& section, const std::string& path,
                    ProblemList& problems) {
  std::erase_if(values.entries, [&](YamlEntry& entry) {
    const Key* key = section.find(entry.key);
    if (key == nullptr) return false;
    const std::string name = path.empty() ? entry.key : path + "." + entry.key;
    if (key->kind == KeyKind::kSection) refuseUserOnly(entry.value, *key->section, name, problems);
    if (!key->user_only) return false;
    problems.report(entry.line,
                    fmt::format("{} is not taken from a project's own file: who clones a project "
                                "has not agreed to it; put it into the user's file, or give it as "
                                "a flag",
                                name));
    return true;
  });
}

}  // namespace

std::string findConfigFile(const std::string& folder) {
  for (const std::string_view name : kConfigFileNames) {
    const fs::path file = fs::path(folder) / name;
    if (isThere(file)) return file.string();
  }
  return {};
}

std::vector<std::string> findFurtherConfigFiles(const std::string& file) {
  const fs::path folder = fs::path(file).parent_path();
  std::vector<std::string> further;
  if (findConfigFile(folder.string()) != file) return further;
  for (const std::string_view name : kConfigFileNames)
    if (const fs::path other = folder / name; other != file && isThere(other))
      further.push_back(other.string());
  return further;
}

std::string withoutLastSlash(const std::string& folder) {
  const fs::path path(folder);
  return (path.has_filename() ? path : path.parent_path()).string();
}

std::string absoluteFolder(const std::string& folder) {
  std::error_code error;
  fs::path path = fs::absolute(folder, error).lexically_normal();
  if (error) path = folder;
  return withoutLastSlash(path.string());
}

Project findProject(const std::string& folder) {
  const fs::path start = absoluteFolder(folder);
  for (fs::path at = start;; at = at.parent_path()) {
    const std::string file = findConfigFile((at / kConfigFolder).string());
    if (!file.empty()) return {at.string(), file};
    if (at == at.parent_path()) return {start.string(), {}};
  }
}

Result<ConfigLayer> readConfigFile(const std::string& file, Origin::Kind kind) {
  TRY(const std::string text, readFile(file, kMaxConfigBytes));
  ConfigLayer layer{.origin = {.kind = kind, .name = file}, .values = mapNode(), .problems = {}};
  auto values = parse(text, file);
  if (!values) return std::unexpected(std::move(values).error());

  const Section& section = sectionOf<ProjectConfig>();
  ProblemList problems(file);
  checkSection(*values, section, "", problems);
  if (!problems.any()) {
    layer.values = *std::move(values);
    normalise(layer.values, section);
    if (kind == Origin::Kind::kProject) refuseUserOnly(layer.values, section, "", problems);
  }
  layer.problems = problems.take();
  return layer;
}

}  // namespace nimbus::project
