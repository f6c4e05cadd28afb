#include "project/scaffold.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>

#include "base/text.h"
#include "project/temporary_folder.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxNameBytes = 64;
constexpr std::size_t kMaxPlaceholderBytes = 64;
constexpr std::size_t kMaxPathBytes = 4096;
constexpr std::string_view kOpen = "{{";
constexpr std::string_view kClose = "}}";

bool isLetter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool isNamePart(char c) { return isLetter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

StringMap valuesFor(const Template& from, std::string_view project_name) {
  StringMap values = from.variables;
  const std::string lower = lowerAscii(project_name);
  std::string crate = lower;
  std::ranges::replace(crate, '-', '_');
  values["project-name"] = std::string(project_name);
  values["package-name"] = lower;
  values["crate_name"] = std::move(crate);
  return values;
}

// Git runs what is written there: hooks, and programs that its configuration names. Some file
// systems do not tell upper from lower case.
bool isOfGit(const fs::path& part) { return equalsIgnoringCase(part.string(), ".git"); }

// A file's place must be in the project, whatever the template says.
Result<void> checkPath(const std::string& path) {
  const fs::path relative(path);
  bool good = !path.empty() && relative.is_relative() && path.find('\0') == std::string::npos;
  for (const fs::path& part : relative) good = good && part != ".." && part != "." && !part.empty();
  if (!good) {
    return fail(
        ErrorCode::kInvalidArgument,
        fmt::format("the template has a file \"{}\", which leads out of the project", path));
  }
  if (std::ranges::none_of(relative, isOfGit)) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("the template has a file \"{}\": what belongs to a repository itself is "
                          "not made from a template",
                          path));
}

Result<void> writeFile(const fs::path& path, const TemplateFile& file, const std::string& content) {
  std::error_code error;
  fs::create_directories(path.parent_path(), error);
  if (error)
    return fail(ErrorCode::kIo,
                fmt::format("cannot make {}: {}", path.parent_path().string(), error.message()));
  std::ofstream out(path, std::ios::binary);
  out.write(content.data(), static_cast<std::streamsize>(content.size()));
  out.close();
  if (!out) return failErrno("cannot write " + path.string(), errno);
  if (!file.executable) return {};
  constexpr auto kExecute = fs::perms::owner_exec | fs::perms::group_exec | fs::perms::others_exec;
  fs::permissions(path, kExecute, fs::perm_options::add, error);
  if (error) return fail(ErrorCode::kIo, path.string() + ": " + error.message());
  return {};
}

// A folder beside the new one, to become it.
Result<TemporaryFolder> stage(const fs::path& target) {
  const fs::path parent = target.parent_path();
  std::error_code error;
  fs::create_directories(parent, error);
  if (error) return failErrno("cannot make a folder in " + parent.string(), error.value());
  return TemporaryFolder::makeIn(parent, "." + target.filename().string() + "-");
}

// Fails if anything is there by now, even an empty folder.
Result<void> become(const fs::path& target, TemporaryFolder& staging) {
  if (::renameat2(AT_FDCWD, staging.path().c_str(), AT_FDCWD, target.c_str(), RENAME_NOREPLACE) !=
      0) {
    if (errno == EEXIST) return fail(ErrorCode::kAlreadyExists, target.string() + " exists");
    return failErrno("cannot make " + target.string(), errno);
  }
  staging.letGo();
  return {};
}

std::unexpected<Error> tooLarge() {
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("the template makes a project of more than {} bytes", kMaxProjectBytes));
}

}  // namespace

Result<void> checkProjectName(std::string_view name) {
  const bool good = !name.empty() && name.size() <= kMaxNameBytes && isLetter(name.front()) &&
                    std::ranges::all_of(name, isNamePart);
  if (good) return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("\"{}\" is no name for a project: it must begin with a letter and have "
                          "letters, digits, - and _ only, at most {}",
                          name, kMaxNameBytes));
}

Result<std::string> fillPlaceholders(std::string_view text, const StringMap& values,
                                     std::size_t max_bytes) {
  std::string filled;
  while (true) {
    if (filled.size() + text.size() > max_bytes) return tooLarge();
    const std::size_t begin = text.find(kOpen);
    if (begin == std::string_view::npos) return filled.append(text);
    filled.append(text.substr(0, begin));
    text.remove_prefix(begin);
    const std::string_view ahead = text.substr(0, kMaxPlaceholderBytes);
    const std::size_t end = ahead.find(kClose);
    const auto value =
        end == std::string_view::npos
            ? values.end()
            : values.find(std::string(ahead.substr(kOpen.size(), end - kOpen.size())));
    if (value == values.end()) {  // not one of ours: braces of the language
      filled += text.front();
      text.remove_prefix(1);
      continue;
    }
    filled.append(value->second);
    text.remove_prefix(end + kClose.size());
  }
}

Result<void> scaffold(const Template& from, std::string_view project_name, const fs::path& folder) {
  std::error_code error;
  const fs::path target = fs::absolute(folder, error).lexically_normal();
  if (fs::exists(fs::symlink_status(target, error))) {
    return fail(ErrorCode::kAlreadyExists, target.string() + " exists");
  }
  const StringMap values = valuesFor(from, project_name);
  const auto filled = [&](const std::string& text, std::size_t max_bytes) -> Result<std::string> {
    return from.has_placeholders ? fillPlaceholders(text, values, max_bytes) : text;
  };
  TRY(TemporaryFolder staging, stage(target));
  std::size_t left_bytes = kMaxProjectBytes;
  for (const TemplateFile& file : from.files) {
    TRY(const std::string path, filled(file.path, kMaxPathBytes));
    TRY_VOID(checkPath(path));
    TRY(const std::string content, filled(file.content, left_bytes));
    if (content.size() > left_bytes) return tooLarge();
    left_bytes -= content.size();
    TRY_VOID(writeFile(staging.path() / path, file, content));
  }
  return become(target, staging);
}

}  // namespace nimbus::project
