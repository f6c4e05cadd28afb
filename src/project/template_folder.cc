#include "project/template_folder.h"

#include <cstdlib>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/text.h"
#include "host/files.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFiles = 10000;
constexpr std::size_t kMaxBytes = std::size_t{256} << 20;

std::unexpected<Error> tooMuch(const fs::path& folder) {
  return fail(ErrorCode::kResourceExhausted,
              folder.string() + " is too large for a template: 10000 files, 256 MiB");
}

Result<void> addEntry(const fs::directory_entry& entry, const fs::path& root,
                      std::size_t& total_bytes, Template& into) {
  std::error_code error;
  const fs::file_status status = entry.symlink_status(error);
  if (error) return fail(ErrorCode::kIo, entry.path().string() + ": " + error.message());
  if (fs::is_directory(status)) return {};
  if (!fs::is_regular_file(status))
    return fail(ErrorCode::kInvalidArgument,
                entry.path().string() + " is a link or a device: templates have files only");
  if (into.files.size() >= kMaxFiles) return tooMuch(root);
  TRY(std::string content, host::readFile(entry.path().string(), kMaxBytes));
  total_bytes += content.size();
  if (total_bytes > kMaxBytes) return tooMuch(root);
  const bool executable = (status.permissions() & fs::perms::owner_exec) != fs::perms::none;
  into.files.push_back(
      {entry.path().lexically_relative(root).generic_string(), std::move(content), executable});
  return {};
}

Result<void> applyManifest(Template& into) {
  for (auto file = into.files.begin(); file != into.files.end(); ++file) {
    if (file->path != kTemplateManifest) continue;
    TRY(TemplateManifest manifest, parseTemplateManifest(file->content));
    into.info = std::move(manifest.info);
    into.variables = std::move(manifest.variables);
    into.has_placeholders = true;
    into.files.erase(file);
    return {};
  }
  return {};
}

// A folder that goes away.
class TemporaryFolder {
 public:
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  [[nodiscard]] static Result<TemporaryFolder> make() {
    std::error_code error;
    std::string name = (fs::temp_directory_path(error) / "wash-template-XXXXXX").string();
    if (error || ::mkdtemp(name.data()) == nullptr) {
      return failErrno("cannot make a temporary folder", errno);
    }
    return TemporaryFolder(name);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  explicit TemporaryFolder(fs::path path) : path_(std::move(path)) {}
  fs::path path_;
};

// The last lines that git writes say what is wrong.
Result<void> runGit(std::vector<std::string> arguments, ProcessRunner& runner, bool interactive,
                    const std::stop_token& stop) {
  arguments.insert(arguments.begin(), "git");
  const Result<ProcessOutcome> outcome =
      runner.run({.arguments = std::move(arguments),
                  // No transport that runs a program of the URL's choice.
                  .environment = {{"GIT_ALLOW_PROTOCOL", "file:git:http:https:ssh"},
                                  {"GIT_TERMINAL_PROMPT", interactive ? "1" : "0"}},
                  .stop = stop});
  if (!outcome) {
    if (outcome.error().code() != ErrorCode::kNotFound) return std::unexpected(outcome.error());
    return fail(ErrorCode::kNotFound, "templates from repositories need git: apt-get install git");
  }
  if (outcome->ok()) return {};
  return fail(ErrorCode::kInvalidArgument, std::string(trim(outcome->error)));
}

}  // namespace

Result<fs::path> folderInside(const fs::path& root, const std::string& subfolder) {
  if (subfolder.empty()) return root;
  const fs::path below(subfolder);
  bool leaves = below.is_absolute();
  for (const fs::path& part : below) leaves = leaves || part == "..";
  std::error_code error;
  const fs::path real_root = fs::canonical(root, error);
  const fs::path real = fs::canonical(root / below, error);
  if (!leaves && error)
    return fail(ErrorCode::kNotFound, fmt::format("there is no folder {} in it", subfolder));
  const fs::path relative = real.lexically_relative(real_root);
  if (leaves || relative.empty() || *relative.begin() == "..")
    return fail(ErrorCode::kInvalidArgument, subfolder + " leads out of the template");
  return real;
}

Result<Template> readTemplateFolder(const fs::path& folder) {
  std::error_code error;
  if (!fs::is_directory(folder, error))
    return fail(ErrorCode::kNotFound, folder.string() + " is not a folder");
  Template result;
  std::size_t total_bytes = 0;
  fs::recursive_directory_iterator it(folder, error);
  for (const fs::recursive_directory_iterator end; !error && it != end; it.increment(error)) {
    if (equalsIgnoringCase(it->path().filename().string(), ".git")) {  // of submodules too
      it.disable_recursion_pending();
      continue;
    }
    TRY_VOID(addEntry(*it, folder, total_bytes, result));
  }
  if (error) return fail(ErrorCode::kIo, folder.string() + ": " + error.message());
  if (result.files.empty())
    return fail(ErrorCode::kInvalidArgument, folder.string() + " has no files");
  TRY_VOID(applyManifest(result));
  return result;
}

Result<Template> readGitTemplate(const GitTemplate& source, ProcessRunner& runner, bool interactive,
                                 std::stop_token stop) {
  if (source.ref.starts_with('-'))
    return fail(ErrorCode::kInvalidArgument, source.ref + " is not a branch, tag or commit");
  TRY(const TemporaryFolder temporary, TemporaryFolder::make());
  const std::string clone = (temporary.path() / "clone").string();
  std::vector<std::string> arguments = {"clone", "--quiet"};
  // With a commit's name in hand all of the history may be needed.
  if (source.ref.empty()) arguments.emplace_back("--depth=1");
  arguments.insert(arguments.end(), {"--", source.url, clone});
  TRY_VOID(runGit(std::move(arguments), runner, interactive, stop));
  if (!source.ref.empty()) {
    TRY_VOID(
        runGit({"-C", clone, "checkout", "--quiet", source.ref, "--"}, runner, interactive, stop));
  }
  TRY(const fs::path folder, folderInside(clone, source.subfolder));
  return readTemplateFolder(folder);
}

}  // namespace nimbus::project
