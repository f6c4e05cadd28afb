#include "dev/ignore_rules.h"

#include <fnmatch.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <span>

#include "base/files.h"
#include "base/text.h"

namespace nimbus::dev {
namespace {

constexpr std::size_t kMaxPatterns = 1000;
constexpr std::size_t kMaxSegments = 32;
constexpr std::ptrdiff_t kMaxStars = 6;  // in a segment: each may cost a pass over a name
constexpr std::size_t kMaxIgnoreFileBytes = 256 * 1024;

// Never sources, wherever they are.
constexpr std::array<std::string_view, 19> kIgnoredFolders = {
    ".git",          ".hg",         ".svn",  ".jj",    "node_modules", "__pycache__",
    ".venv",         ".tox",        ".next", ".nuxt",  ".turbo",       ".gradle",
    ".pytest_cache", ".mypy_cache", ".idea", ".cache", ".ruff_cache",  "bower_components",
    ".vscode"};

// What a folder of that name is if one of the files lies beside it.
struct ResultFolder {
  std::string_view name;
  std::array<std::string_view, 4> beside;
};
constexpr std::array<ResultFolder, 8> kResultFolders = {{
    {"target", {"Cargo.toml", "pom.xml"}},
    {"build", {"CMakeLists.txt", "Makefile", "package.json", "pyproject.toml"}},
    {"build", {"go.mod", "setup.py"}},
    {"dist", {"package.json", "pyproject.toml", "setup.py"}},
    {"bin", {"go.mod"}},
    {"vendor", {"go.mod", "composer.json"}},
    {"venv", {"pyproject.toml", "requirements.txt", "setup.py"}},
    {"out", {"package.json", "CMakeLists.txt"}},
}};

constexpr std::array<std::string_view, 8> kIgnoredFiles = {
    "*~", ".#*", "#*#", "*.sw[a-p]", "4913", ".DS_Store", "*.kate-swp", ".goutputstream-*"};

bool matchesName(std::string_view pattern, std::string_view name) {
  return ::fnmatch(std::string(pattern).c_str(), std::string(name).c_str(), FNM_PATHNAME) == 0;
}

bool exists(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0;
}

// Whether the segments of a path are what the pattern says; table[i]: the first i segments of the
// path are what the patterns so far say.
bool matches(std::span<const std::string> pattern, std::span<const std::string_view> path) {
  std::vector<char> table(path.size() + 1);
  table[0] = 1;
  for (const std::string& segment : pattern) {
    std::vector<char> next(path.size() + 1);
    for (std::size_t i = 0; i <= path.size(); ++i) {
      if (segment == "**") {
        next[i] = static_cast<char>(table[i] != 0 || (i > 0 && next[i - 1] != 0));
      } else if (i > 0) {
        next[i] = static_cast<char>(table[i - 1] != 0 && matchesName(segment, path[i - 1]));
      }
    }
    table = std::move(next);
  }
  return table[path.size()] != 0;
}

std::vector<IgnorePattern> readPatterns(const std::string& file) {
  const auto text = readFile(file, kMaxIgnoreFileBytes);
  return text ? parseIgnoreFile(*text) : std::vector<IgnorePattern>();
}

bool parsePattern(std::string_view line, IgnorePattern& pattern) {
  line = trim(line);
  if (line.empty() || line[0] == '#') return false;
  if (line[0] == '!') {
    pattern.negated = true;
    line.remove_prefix(1);
  }
  if (line.ends_with('/')) {
    pattern.folders_only = true;
    line.remove_suffix(1);
  }
  if (line.empty()) return false;
  // Without a slash it is meant at every depth.
  if (!line.contains('/')) pattern.segments.emplace_back("**");
  if (line.starts_with('/')) line.remove_prefix(1);
  for (const std::string_view segment : split(line, '/')) {
    if (segment.empty() || pattern.segments.size() >= kMaxSegments) return false;
    if (segment != "**" && std::ranges::count(segment, '*') > kMaxStars) return false;
    pattern.segments.emplace_back(segment);
  }
  return true;
}

}  // namespace

std::vector<IgnorePattern> parseIgnoreFile(std::string_view text) {
  std::vector<IgnorePattern> patterns;
  for (const std::string_view line : split(text, '\n')) {
    IgnorePattern pattern;
    if (patterns.size() < kMaxPatterns && parsePattern(line, pattern)) {
      patterns.push_back(std::move(pattern));
    }
  }
  return patterns;
}

IgnoreRules::IgnoreRules(std::string root, std::vector<std::string> outputs,
                         const std::vector<std::string>& more)
    : root_(std::move(root)),
      outputs_(std::move(outputs)),
      patterns_(readPatterns(root_ + "/.gitignore")) {
  for (const std::string& line : more)
    for (IgnorePattern& pattern : parseIgnoreFile(line)) patterns_.push_back(std::move(pattern));
}

bool IgnoreRules::isResultFolder(const std::string& path, std::string_view name) const {
  if (name.starts_with("cmake-build-")) return true;
  const std::string full = root_ + "/" + path;
  const std::string beside = full.substr(0, full.size() - name.size());
  for (const ResultFolder& folder : kResultFolders) {
    if (folder.name != name) continue;
    const bool shown = std::ranges::any_of(folder.beside, [&](std::string_view file) {
      return !file.empty() && exists(beside + std::string(file));
    });
    if (shown) return true;
  }
  // Tools mark what they can make again: https://bford.info/cachedir/
  return exists(full + "/CACHEDIR.TAG");
}

bool IgnoreRules::ignoredByFile(const std::string& path, bool is_folder) const {
  const std::vector<std::string_view> segments = split(path, '/');
  bool ignored = false;
  for (const IgnorePattern& pattern : patterns_) {
    if (pattern.negated != ignored || (pattern.folders_only && !is_folder)) continue;
    if (matches(pattern.segments, segments)) ignored = !pattern.negated;
  }
  return ignored;
}

bool IgnoreRules::ignores(const std::string& path, bool is_folder) const {
  const std::string_view name = std::string_view(path).substr(path.rfind('/') + 1);
  if (std::ranges::find(outputs_, path) != outputs_.end()) return true;
  if (path.starts_with(".wash/")) return is_folder || !name.starts_with("config.");
  if (path == ".wash") return false;
  if (is_folder) {
    if (std::ranges::find(kIgnoredFolders, name) != kIgnoredFolders.end()) return true;
    if (isResultFolder(path, name)) return true;
  } else if (std::ranges::any_of(kIgnoredFiles, [&](std::string_view pattern) {
               return matchesName(pattern, name);
             })) {
    return true;
  }
  return ignoredByFile(path, is_folder);
}

}  // namespace nimbus::dev
