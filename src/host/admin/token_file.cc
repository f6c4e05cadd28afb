#include "host/admin/token_file.h"

#include <fmt/format.h>

#include "base/text.h"

namespace nimbus::host {
namespace {

constexpr std::size_t kMinTokenBytes = 16;

}  // namespace

Result<std::string> readTokenFile(const std::string& path) {
  TRY(const std::string content, readFile(path, 4096));
  const std::string_view token = trim(content);
  if (token.size() < kMinTokenBytes)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("the token in {} is shorter than {} characters", path, kMinTokenBytes));
  for (const char c : token)
    if (c <= ' ' || c >= 0x7F)
      return fail(
          ErrorCode::kInvalidArgument,
          fmt::format("the token in {} holds a space or a character that is not ASCII", path));
  return std::string(token);
}

Result<std::unique_ptr<TokenFile>> TokenFile::open(std::string path, Logger& log) {
  std::unique_ptr<TokenFile> made(new TokenFile(std::move(path), log));
  // First: what is written meanwhile is another file.
  made->stamp_ = stampOf(made->path_);
  TRY(made->token_, readTokenFile(made->path_));
  return made;
}

const std::string& TokenFile::current() {
  const FileStamp stamp = stampOf(path_);
  if (stamp == stamp_) return token_;
  stamp_ = stamp;
  if (auto read = readTokenFile(path_)) {
    if (*read != token_) log_.info("the administration token was read anew", {{"file", path_}});
    token_ = *std::move(read);
  } else {
    log_.warn("the administration token cannot be read anew; the one before counts on",
              {{"file", path_}, {"error", read.error().describe()}});
  }
  return token_;
}

}  // namespace nimbus::host
