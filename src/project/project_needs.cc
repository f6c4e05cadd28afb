#include "project/project_needs.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <initializer_list>
#include <utility>

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "project/json_reader.h"
#include "project/languages/languages.h"
#include "project/languages/package_manager.h"
#include "project/languages/results.h"
#include "project/toml_reader.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;
using host::YamlNode;

constexpr std::size_t kMaxManifestBytes = std::size_t{1} << 20;
constexpr int kMaxWorkspaceDepth = 16;
constexpr int kMaxSourceDepth = 4;
constexpr std::size_t kMaxSourceEntries = 100000;
constexpr std::array<std::string_view, 4> kEngines = {"node", "npm", "pnpm", "yarn"};

const YamlNode* member(const YamlNode& map, std::string_view key) {
  const auto found = std::ranges::find(
      map.entries, key, [](const auto& entry) { return std::string_view(entry.key); });
  return found == map.entries.end() ? nullptr : &found->value;
}

const YamlNode* member(const YamlNode& map, std::initializer_list<std::string_view> path) {
  const YamlNode* node = &map;
  for (const std::string_view key : path) {
    node = member(*node, key);
    if (node == nullptr) return nullptr;
  }
  return node;
}

// The text at a path; nothing if there is none.
std::optional<std::string> textAt(const YamlNode& map,
                                  std::initializer_list<std::string_view> path) {
  const YamlNode* node = member(map, path);
  if (node == nullptr || node->kind != YamlNode::Kind::kScalar) return std::nullopt;
  return node->text;
}

// Reads the manifests of one project.
class NeedsReader {
 public:
  explicit NeedsReader(fs::path folder) : folder_(std::move(folder)) {}

  void readGoMod() {
    const auto text = content(folder_ / "go.mod");
    if (text) append(needs_.versions, goModDemands(*text));
  }

  void readPackageJson() {
    const auto manifest = parsed(folder_ / "package.json", parseJson);
    if (!manifest) return;
    for (const std::string_view engine : kEngines) {
      const auto wanted = textAt(*manifest, {"engines", engine});
      if (!wanted) continue;
      needs_.versions.push_back({.tool = std::string(engine),
                                 .key = fmt::format("engines.{}", engine),
                                 .file = "package.json",
                                 .wanted = *wanted,
                                 .range = VersionRange::ofNpm(*wanted)});
    }
  }

  void readPyproject() {
    const auto manifest = parsed(folder_ / "pyproject.toml", parseToml);
    if (!manifest) return;
    if (const auto wanted = textAt(*manifest, {"project", "requires-python"}))
      needs_.versions.push_back({.tool = "python3",
                                 .key = "requires-python",
                                 .file = "pyproject.toml",
                                 .wanted = *wanted,
                                 .range = VersionRange::ofPython(*wanted)});
  }

  void readCargoToml() {
    const auto manifest = parsed(folder_ / "Cargo.toml", parseToml);
    if (!manifest) return;
    auto wanted = textAt(*manifest, {"package", "rust-version"});
    if (!wanted && member(*manifest, {"package", "rust-version", "workspace"}) != nullptr)
      wanted = workspaceVersion(*manifest);
    if (wanted)
      needs_.versions.push_back({.tool = "cargo",
                                 .key = "rust-version",
                                 .file = "Cargo.toml",
                                 .wanted = *wanted,
                                 .range = VersionRange::atLeast(*wanted)});
  }

  void addNodeVersion(const TypeScriptSettings& settings) {
    if (settings.node_version.empty()) return;
    needs_.versions.push_back({.tool = "node",
                               .key = "build.typescript.node_version",
                               .file = "the configuration",
                               .wanted = settings.node_version,
                               .range = VersionRange::ofNpm(settings.node_version)});
  }

  void addCxx(ProjectNeeds::Cxx cxx) { needs_.cxx = cxx; }

  void addTool(std::string tool) { needs_.tools.insert(std::move(tool)); }

  ProjectNeeds take() { return std::move(needs_); }

 private:
  std::optional<std::string> content(const fs::path& file) {
    if (!isThere(file)) return std::nullopt;
    auto text = readFile(file.string(), kMaxManifestBytes);
    if (text) return *std::move(text);
    needs_.problems.push_back(text.error().describe());
    return std::nullopt;
  }

  template <typename Parse>
  std::optional<YamlNode> parsed(const fs::path& file, Parse parse) {
    const auto text = content(file);
    if (!text) return std::nullopt;
    const std::string name =
        file.parent_path() == folder_ ? file.filename().string() : file.string();
    auto document = parse(*text, name, host::YamlLimits{});
    if (document) return *std::move(document);
    needs_.problems.push_back(document.error().describe());
    return std::nullopt;
  }

  // rust-version of the workspace that a package is in: its own, or that of a folder above.
  std::optional<std::string> workspaceVersion(const YamlNode& manifest) {
    if (auto own = textAt(manifest, {"workspace", "package", "rust-version"})) return own;
    fs::path folder = folder_.parent_path();
    for (int i = 0; i < kMaxWorkspaceDepth && folder.has_relative_path(); ++i) {
      if (isThere(folder / "Cargo.toml")) {
        const auto above = parsed(folder / "Cargo.toml", parseToml);
        if (above && member(*above, "workspace") != nullptr)
          return textAt(*above, {"workspace", "package", "rust-version"});
      }
      folder = folder.parent_path();
    }
    return std::nullopt;
  }

  const fs::path folder_;
  ProjectNeeds needs_;
};

// Of others, or of a build.
bool isForeignFolder(const std::string& name) {
  constexpr std::array<std::string_view, 8> kNames = {
      "build", "dist", "out", "target", "node_modules", "external", "third_party", "vendor"};
  return name.starts_with('.') || std::ranges::find(kNames, name) != kNames.end();
}

bool isCxxSource(const fs::path& file) {
  constexpr std::array<std::string_view, 4> kEndings = {".cc", ".cpp", ".cxx", ".c++"};
  return std::ranges::find(kEndings, file.extension().string()) != kEndings.end();
}

bool hasCxxSources(const fs::path& folder) {
  std::error_code error;
  std::size_t seen = 0;
  for (fs::recursive_directory_iterator it(folder, error), end;
       !error && it != end && ++seen <= kMaxSourceEntries; it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored)) {
      if (it.depth() >= kMaxSourceDepth || isForeignFolder(it->path().filename().string()))
        it.disable_recursion_pending();
    } else if (isCxxSource(it->path())) {
      return true;
    }
  }
  return false;
}

ProjectNeeds::Cxx cxxOf(const fs::path& folder, const BuildSettings& build) {
  if (build.language == "cpp") return ProjectNeeds::Cxx::kYes;
  return hasCxxSources(folder) ? ProjectNeeds::Cxx::kLikely : ProjectNeeds::Cxx::kNo;
}

VersionDemand goDemand(std::string_view key, std::string_view wanted) {
  std::string_view version = wanted;
  if (version.starts_with("go")) version.remove_prefix(2);
  return {.tool = "go",
          .key = std::string(key),
          .file = "go.mod",
          .wanted = std::string(wanted),
          .range = VersionRange::atLeast(version)};
}

}  // namespace

// https://go.dev/ref/mod#go-mod-file-go
std::vector<VersionDemand> goModDemands(std::string_view text) {
  std::vector<VersionDemand> demands;
  for (const std::string_view line : split(text, '\n')) {
    const std::string_view said = trim(line.substr(0, line.find("//")));
    const auto words = splitOnce(said, ' ');
    if (!words || (words->first != "go" && words->first != "toolchain")) continue;
    const std::string_view wanted = trim(words->second);
    if (wanted != "default" && wanted != "none") demands.push_back(goDemand(words->first, wanted));
  }
  return demands;
}

ProjectNeeds needsOf(const std::string& folder, std::string_view language,
                     const BuildSettings& build, const StringMap& variables) {
  NeedsReader reader(folder);
  reader.readCargoToml();
  reader.readGoMod();
  reader.readPackageJson();
  reader.readPyproject();
  const TypeScriptSettings typescript = build.typescript.value_or(TypeScriptSettings{});
  reader.addNodeVersion(typescript);
  if (language == "javascript") reader.addTool(packageManagerOf(folder, typescript));
  if (language == "c" || language == "cpp-provider") {
    const bool cmake = isThere(fs::path(folder) / "CMakeLists.txt");
    if (cmake) reader.addTool("cmake");
    // CMake's own choice on this system.
    if (!cmake || !variables.contains("CMAKE_GENERATOR")) reader.addTool("make");
  }
  if (language == "c") reader.addCxx(cxxOf(folder, build));
  return reader.take();
}

}  // namespace nimbus::project
