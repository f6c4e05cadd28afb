#include "project/named_project.h"

#include <filesystem>

#include "project/language_builder.h"

namespace nimbus::project {
namespace {

namespace fs = std::filesystem;

bool areSame(const fs::path& a, const fs::path& b) {
  std::error_code error;
  return fs::equivalent(a, b, error);
}

bool showsHowItIsBuilt(const std::string& folder) {
  const auto builder = findBuilder(folder, {});
  return builder || builder.error().code() != ErrorCode::kNotFound;
}

}  // namespace

Project namedProject(const std::string& folder) {
  const Project found = findProject(folder);
  std::error_code error;
  const bool named = !areSame(folder, found.folder) && !areSame(folder, fs::current_path(error));
  if (!named || !showsHowItIsBuilt(folder)) return found;
  fs::path itself = fs::absolute(folder, error).lexically_normal();
  if (!itself.has_filename()) itself = itself.parent_path();
  return {itself.string(), {}};
}

}  // namespace nimbus::project
