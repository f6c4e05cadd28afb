#include "project/config.h"

#include <algorithm>
#include <filesystem>
#include <iterator>

#include <fmt/format.h>

#include "project/config_layer.h"
#include "project/directories.h"

extern char** environ;

namespace nimbus::project {
namespace {

struct Outcome {
  LoadedConfig loaded;
  std::vector<ConfigProblem> errors;
};

void append(std::vector<ConfigProblem>& into, std::vector<ConfigProblem> problems) {
  std::ranges::move(problems, std::back_inserter(into));
}

// A file that cannot be read or is no document at all is a problem like any other.
void addFile(Outcome& outcome, const std::string& file, Origin::Kind kind) {
  if (file.empty()) return;
  auto layer = readConfigFile(file, kind);
  if (!layer) {
    outcome.errors.push_back({"", 0, layer.error().describe()});
    return;
  }
  append(outcome.errors, std::move(layer->problems));
  mergeLayer(outcome.loaded.given, *layer, outcome.loaded.origins);
  for (std::string& further : findFurtherConfigFiles(file))
    outcome.loaded.warnings.push_back({std::move(further), 0, "is not read: " + file + " is"});
}

void addLayers(Outcome& outcome, std::vector<ConfigLayer> layers) {
  for (ConfigLayer& layer : layers) {
    append(outcome.errors, std::move(layer.problems));
    mergeLayer(outcome.loaded.given, layer, outcome.loaded.origins);
  }
}

// A key that is well formed and that nothing goes by.
ConfigProblem unread(const LoadedConfig& loaded, std::string_view key, std::string_view instead) {
  const Origin origin = loaded.originOf(key);
  return {origin.kind == Origin::Kind::kEnvironment ? origin.describe() : origin.name, origin.line,
          fmt::format("{} is not read: {}", key, instead)};
}

// Of a configuration where a project has it; empty: it is elsewhere.
std::string folderOf(const std::string& project_file) {
  std::error_code error;
  const auto path = std::filesystem::absolute(project_file, error).lexically_normal();
  const bool is_there = !project_file.empty() && !error &&
                        path.parent_path().filename() == std::filesystem::path(kConfigFolder);
  return is_there ? path.parent_path().parent_path().string() : std::string();
}

Outcome loadAll(const ConfigSources& sources) {
  Outcome outcome;
  outcome.loaded.given = mapNode();
  addFile(outcome, sources.user_file, Origin::Kind::kUser);
  addFile(outcome, sources.project_file, Origin::Kind::kProject);
  outcome.loaded.project_folder = folderOf(sources.project_file);
  addLayers(outcome, readEnvironment(sources.environment, outcome.loaded.warnings));
  addLayers(outcome, readFlags(sources.flags));
  storeSection(outcome.loaded.given, sectionOf<ProjectConfig>(), &outcome.loaded.config);
  if (outcome.errors.empty()) checkMeaning(outcome.loaded, outcome.errors);
  if (!outcome.loaded.config.host.host_plugins.empty())
    outcome.loaded.warnings.push_back(unread(outcome.loaded, "host.hostPlugins",
                                             "wash host takes components from manifests alone, "
                                             "where others import them by provider: workload:…"));
  return outcome;
}

void merge(YamlNode& into, const YamlNode& from, const std::string& path, const Origin& origin,
           Origins& origins);

void mergeEntry(YamlNode& into, const YamlEntry& entry, const std::string& path,
                const Origin& origin, Origins& origins) {
  YamlNode* earlier = findEntry(into, entry.key);
  const bool is_map = entry.value.kind == YamlNode::Kind::kMap;
  if (is_map && (earlier == nullptr || earlier->kind == YamlNode::Kind::kMap)) {
    if (earlier == nullptr) {
      YamlNode map = mapNode();
      map.line = entry.value.line;
      earlier = &into.entries.emplace_back(entry.key, entry.line, std::move(map)).value;
    }
    return merge(*earlier, entry.value, path, origin, origins);
  }
  Origin here = origin;
  here.line = entry.line;
  origins[path] = std::move(here);
  if (earlier != nullptr) {
    *earlier = entry.value;
  } else {
    into.entries.push_back(entry);
  }
}

void merge(YamlNode& into, const YamlNode& from, const std::string& path, const Origin& origin,
           Origins& origins) {
  for (const YamlEntry& entry : from.entries)
    mergeEntry(into, entry, path.empty() ? entry.key : path + "." + entry.key, origin, origins);
}

}  // namespace

void mergeLayer(YamlNode& into, const ConfigLayer& layer, Origins& origins) {
  merge(into, layer.values, "", layer.origin, origins);
}

std::string Origin::describe() const {
  switch (kind) {
    case Kind::kDefault: return "default";
    case Kind::kEnvironment: return "$" + name;
    case Kind::kFlag: return name;
    case Kind::kUser:
    case Kind::kProject: break;
  }
  return line == 0 ? name : fmt::format("{}:{}", name, line);
}

std::string ConfigProblem::describe() const {
  if (where.empty()) return message;
  return line == 0 ? fmt::format("{}: {}", where, message)
                   : fmt::format("{}:{}: {}", where, line, message);
}

Origin LoadedConfig::originOf(std::string_view key) const {
  while (true) {
    if (const auto found = origins.find(key); found != origins.end()) return found->second;
    const std::size_t end = key.find_last_of(".[");
    if (end == std::string_view::npos) return {};
    key = key.substr(0, end);
  }
}

ConfigSources standardSources(const Project& project, std::string user_file) {
  ConfigSources sources;
  sources.user_file = std::move(user_file);
  if (sources.user_file.empty()) {
    // Without a home there is no user's file, and nothing is wrong with that.
    if (const auto folders = findDirectories(processVariables()))
      sources.user_file = findConfigFile(folders->config);
  }
  sources.project_file = project.config_file;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    const std::size_t split = text.find('=');
    if (split != std::string_view::npos && text.starts_with("WASH_"))
      sources.environment.emplace_back(text.substr(0, split), text.substr(split + 1));
  }
  return sources;
}

Result<LoadedConfig> loadConfig(const ConfigSources& sources) {
  Outcome outcome = loadAll(sources);
  if (outcome.errors.empty()) return std::move(outcome.loaded);
  std::string message = outcome.errors.front().describe();
  if (const std::size_t more = outcome.errors.size() - 1; more > 0)
    message += fmt::format(" (and {} more: wash config validate)", more);
  return fail(ErrorCode::kInvalidArgument, std::move(message));
}

Result<LoadedConfig> loadProjectConfig(const Project& project, std::vector<ConfigFlag> flags,
                                       std::string user_file) {
  ConfigSources sources = standardSources(project, std::move(user_file));
  sources.flags = std::move(flags);
  return loadConfig(sources);
}

ConfigCheck checkConfig(const ConfigSources& sources) {
  Outcome outcome = loadAll(sources);
  if (outcome.errors.size() > kMaxProblems) outcome.errors.resize(kMaxProblems);
  return {.errors = std::move(outcome.errors),
          .warnings = outcome.loaded.warnings,
          .loaded = std::move(outcome.loaded)};
}

}  // namespace nimbus::project
