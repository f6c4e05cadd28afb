#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/result.h"
#include "base/task.h"
#include "http/client.h"
#include "net/shard.h"
#include "oci/digest.h"
#include "oci/progress.h"
#include "oci/url.h"

namespace nimbus::release {

// The base URL of a folder of releases. What is read there decides which program is run next, so
// that it must not be open to change on its way: kInvalidArgument for anything but https, or http
// to this machine.
[[nodiscard]] Result<oci::Url> parseBaseUrl(std::string_view text);

// The address of a file below the base URL.
[[nodiscard]] oci::Url below(const oci::Url& base, std::string_view file);

// Whom a download goes through; all of it outlives the task. Of one shard.
struct DownloadEnvironment {
  net::Shard& shard;
  http::Client& client;
};

// The content at an address, at most so many bytes. Follows five redirections, none of them to an
// address without TLS. kNotFound: 404; kUnavailable: another status, or nobody there;
// kResourceExhausted: more content; and the errors of http::Client.
[[nodiscard]] Task<Result<std::string>> downloadText(DownloadEnvironment environment, oci::Url url,
                                                     std::size_t max_bytes);

struct WantedFile {
  oci::Url url;
  std::uint64_t size;
  oci::Digest digest;
};

// Writes the file's content into `into`, which is open for writing and empty; `path` is for
// messages. kProtocol: it has another size or digest, so that what was written is not to be used.
[[nodiscard]] Task<Result<void>> downloadFile(DownloadEnvironment environment, WantedFile wanted,
                                              const UniqueFd* into, std::string path,
                                              oci::Progress* progress);

}  // namespace nimbus::release
