#include "dev/data_patterns.h"

#include <filesystem>
#include <string_view>

#include "project/config.h"

namespace nimbus::dev {

namespace fs = std::filesystem;

std::string pathPattern(const std::string& folder, const std::string& path) {
  const fs::path named = project::withoutLastSlash(path);
  const fs::path below = named.lexically_relative(folder);
  if (below.empty() || below == "." || *below.begin() == "..") return {};
  std::string pattern = "/";
  for (const char character : below.generic_string()) {
    if (std::string_view("*?[\\").contains(character)) pattern += '\\';
    pattern += character;
  }
  return pattern;
}

// https://www.sqlite.org/tempfiles.html
std::vector<std::string> databasePatterns(const std::string& folder, const std::string& database) {
  const std::string pattern = pathPattern(folder, database);
  if (pattern.empty()) return {};
  return {pattern, pattern + "-wal", pattern + "-shm", pattern + "-journal"};
}

}  // namespace nimbus::dev
