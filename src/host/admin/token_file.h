#pragma once

#include <memory>
#include <string>
#include <utility>

#include "base/files.h"
#include "base/log.h"
#include "base/result.h"

namespace nimbus::host {

// A bearer token in a file, without white space around it; blocks. kInvalidArgument if it is
// shorter than 16 characters or holds what a header field cannot carry.
[[nodiscard]] Result<std::string> readTokenFile(const std::string& path);

// Such a file that is read again whenever it is another one, so that a token can be taken back
// while the host runs. If it cannot be used then, the log says so and the token before it counts
// on. One thread.
class TokenFile {
 public:
  // `log` outlives it. Errors: those of readTokenFile().
  [[nodiscard]] static Result<std::unique_ptr<TokenFile>> open(std::string path, Logger& log);
  TokenFile(const TokenFile&) = delete;
  TokenFile& operator=(const TokenFile&) = delete;

  // Looks at the file, which blocks for a moment.
  [[nodiscard]] const std::string& current();

 private:
  TokenFile(std::string path, Logger& log) : path_(std::move(path)), log_(log) {}

  const std::string path_;
  Logger& log_;
  FileStamp stamp_{};
  std::string token_;
};

}  // namespace nimbus::host
