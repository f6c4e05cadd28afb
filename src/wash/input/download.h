#pragma once

#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "oci/progress.h"

namespace nimbus::wash {

// What lies at an http or https address, at most so many bytes; follows a few redirections, but
// never from https to http. `ca_paths`: PEM files of more certificate authorities. `progress` is
// told on another thread. Blocks; an interrupt ends it. Errors: those of http::Client; kNotFound
// and kUnavailable for what the server answers; kCancelled.
[[nodiscard]] Result<Bytes> download(const std::string& url, std::size_t max_bytes,
                                     oci::Progress& progress,
                                     const std::vector<std::string>& ca_paths = {});

}  // namespace nimbus::wash
