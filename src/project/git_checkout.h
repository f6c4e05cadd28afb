#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "base/process.h"
#include "base/result.h"
#include "project/temporary_folder.h"

namespace nimbus::project {

struct GitSource {
  std::string url;  // as git takes it: https, ssh, file, a path
  std::string ref;  // a branch, tag or commit; empty: what the repository says
};

// The files of a repository, in a temporary folder. They are somebody else's: there may be links.
// Nothing of the repository runs while they come here, and no program that the user's
// configuration names for files: no hooks, no filters (what Git LFS keeps stays a pointer), no
// submodules.
class GitCheckout {
 public:
  // Runs git and blocks, for ten minutes at most. `interactive` lets git ask for credentials.
  // kNotFound: there is no git; kInvalidArgument: what git says, or a URL or ref that is none;
  // kResourceExhausted: more than 100000 files or a gibibyte of them; kDeadlineExceeded.
  [[nodiscard]] static Result<GitCheckout> clone(const GitSource& source, ProcessRunner& runner,
                                                 bool interactive, const std::stop_token& stop);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // The name of the commit that is checked out.
  [[nodiscard]] const std::string& commit() const { return commit_; }

 private:
  GitCheckout(TemporaryFolder folder, std::filesystem::path path, std::string commit)
      : folder_(std::move(folder)), path_(std::move(path)), commit_(std::move(commit)) {}

  TemporaryFolder folder_;
  std::filesystem::path path_;
  std::string commit_;
};

}  // namespace nimbus::project
