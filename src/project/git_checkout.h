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
class GitCheckout {
 public:
  // Runs git and blocks. `interactive` lets git ask for credentials. kNotFound: there is no git;
  // kInvalidArgument: what git says.
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
