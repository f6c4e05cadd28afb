#include "project/template_folder.h"

#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/files.h"
#include "base/text.h"
#include "project/git_checkout.h"

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
  TRY(std::string content, readFile(entry.path().string(), kMaxBytes));
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
    return fail(ErrorCode::kInvalidArgument, subfolder + " leads out of it");
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
  TRY(const GitCheckout clone,
      GitCheckout::clone({source.url, source.ref}, runner, interactive, stop));
  TRY(const fs::path folder, folderInside(clone.path(), source.subfolder));
  return readTemplateFolder(folder);
}

}  // namespace nimbus::project
