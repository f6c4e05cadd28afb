#include "release/installation.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <utility>

#include <fmt/format.h>

#include "base/files.h"
#include "release/archive.h"

namespace nimbus::release {
namespace {

namespace fs = std::filesystem;

constexpr Duration kTryTimeout = std::chrono::seconds(20);

// Writes the files of an archive below a folder that is fresh and holds no links.
class FolderSink final : public ArchiveSink {
 public:
  explicit FolderSink(std::string folder) : folder_(std::move(folder)) {}

  Result<void> begin(const std::string& name, Mode mode) override {
    path_ = folder_ + "/" + name;
    std::error_code error;
    fs::create_directories(fs::path(path_).parent_path(), error);
    if (error) return failFile("make the folder of", path_, error.value());
    const mode_t bits = mode == Mode::kExecutable ? 0755 : 0644;
    file_ =
        UniqueFd(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, bits));
    // The file is what the release says, whatever this user's mask.
    if (!file_.valid() || ::fchmod(file_.get(), bits) != 0) return failFile("write", path_, errno);
    return {};
  }

  Result<void> append(ByteView bytes) override { return writeAll(file_, path_, bytes); }

  Result<void> end() override {
    if (::fsync(file_.get()) != 0) return failFile("write", path_, errno);
    file_ = UniqueFd();
    return {};
  }

 private:
  const std::string folder_;
  std::string path_;
  UniqueFd file_;
};

Result<void> checkWritable(const std::string& folder) {
  if (::access(folder.c_str(), W_OK) == 0) return {};
  return fail(
      ErrorCode::kPermissionDenied,
      fmt::format("this user cannot write to {}; update as the one who installed wash", folder));
}

std::string stagedProgram(const Staging& staging) { return staging.folder() + "/bin/wash"; }

}  // namespace

std::string Installation::libraries(const Version& of) const {
  return fmt::format("{}/lib/wash-{}", prefix, of.text());
}

Result<Installation> findInstallation(const std::string& program, const Version& version) {
  std::error_code error;
  const fs::path real = fs::canonical(program, error);
  if (error) return failFile("find", program, error.value());
  Installation found{real.string(), real.parent_path().parent_path().string(), version};
  if (!fs::is_directory(found.libraries(version), error)) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("{} was not installed from a release ({} is missing): install one with "
                            "install.sh, or update it the way it was installed",
                            found.program, found.libraries(version)));
  }
  TRY_VOID(checkWritable(real.parent_path().string()));
  TRY_VOID(checkWritable(found.prefix));
  TRY_VOID(checkWritable(found.prefix + "/lib"));
  return found;
}

Result<Staging> Staging::create(const Installation& installation) {
  std::string folder = installation.prefix + "/.wash-update-XXXXXX";
  if (::mkdtemp(folder.data()) == nullptr)
    return failFile("make a folder in", installation.prefix, errno);
  return Staging(std::move(folder));
}

Staging::Staging(Staging&& other) noexcept : folder_(std::exchange(other.folder_, {})) {}

Staging::~Staging() {
  if (folder_.empty()) return;
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

Result<void> unpack(int descriptor, const Version& version, std::string_view platform,
                    const Staging& staging) {
  std::error_code error;
  fs::create_directories(fmt::format("{}/lib/wash-{}", staging.folder(), version.text()), error);
  if (error) return failFile("make folders in", staging.folder(), error.value());
  FolderSink sink(staging.folder());
  return readArchive(descriptor, version, platform, sink);
}

Result<void> tryOut(const Staging& staging, const Version& version, ProcessRunner& runner) {
  const auto outcome = runner.run({.arguments = {stagedProgram(staging), "--version"},
                                   .max_output_bytes = 64 * 1024,
                                   .timeout = kTryTimeout});
  if (!outcome) {
    return fail(outcome.error().code(), fmt::format("wash {} does not start here", version.text()),
                outcome.error());
  }
  const std::string expected = fmt::format("wash {}\n", version.text());
  if (outcome->ok() && outcome->output.starts_with(expected)) return {};
  return fail(
      ErrorCode::kProtocol,
      fmt::format("the program of release {} does not run here, or is another: {}", version.text(),
                  outcome->error.empty() ? outcome->output : outcome->error));
}

Result<void> backUp(const Installation& installation, const std::string& backup) {
  const std::string fresh = backup + ".new";
  std::error_code error;
  fs::copy_file(installation.program, fresh, fs::copy_options::overwrite_existing, error);
  if (!error) fs::rename(fresh, backup, error);
  if (error) return failFile("keep the old program as", backup, error.value());
  return {};
}

Result<void> replace(const Installation& installation, const Staging& staging,
                     const Version& version) {
  const std::string libraries = installation.libraries(version);
  const std::string staged = fmt::format("{}/lib/wash-{}", staging.folder(), version.text());
  // The same version again: the two change places, and the old one goes with the staging folder.
  std::error_code error;
  const bool exists = fs::exists(libraries, error);
  const unsigned flags = exists ? RENAME_EXCHANGE : RENAME_NOREPLACE;
  if (::renameat2(AT_FDCWD, staged.c_str(), AT_FDCWD, libraries.c_str(), flags) != 0)
    return failFile("put in place", libraries, errno);
  if (::rename(stagedProgram(staging).c_str(), installation.program.c_str()) != 0) {
    const int reason = errno;
    ::renameat2(AT_FDCWD, libraries.c_str(), AT_FDCWD, staged.c_str(), flags);
    return failFile("replace", installation.program, reason);
  }
  TRY_VOID(syncFolder(installation.prefix + "/lib"));
  return syncFolder(fs::path(installation.program).parent_path().string());
}

}  // namespace nimbus::release
