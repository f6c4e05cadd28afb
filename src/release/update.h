#pragma once

#include <optional>
#include <stop_token>
#include <string>

#include "base/process.h"
#include "base/result.h"
#include "oci/digest.h"
#include "oci/progress.h"
#include "release/index.h"

namespace nimbus::release {

struct UpdateRequest {
  std::string base_url;
  Version current;
  Reach reach = Reach::kAny;
  bool dry_run = false;  // only look
  bool force = false;    // install the newest release even if it is not newer
  // Of the archive, as the user knows it from elsewhere: another one is refused. Nothing: the one
  // that the index says is believed.
  std::optional<oci::Digest> digest = {};
  std::string program;  // to replace
  std::string cache_folder;
  std::stop_token stop;  // a request ends downloads: kCancelled, and nothing is left behind
};

struct UpdateOutcome {
  Version target;                 // the newest release within reach
  bool available = false;         // it is newer than the current version
  bool installed = false;         // it is in place
  std::string install_path = {};  // the program; empty if it is not one from a release
  std::string backup_path = {};   // the old program; empty if nothing was replaced
};

// `wash update`: reads the index of releases, and replaces the program by the newest release once
// that has been downloaded, verified and tried. Blocks; not from a shard. `progress` may be null.
// Two updates of one user do not overlap: kUnavailable. kPermissionDenied: the digest is another.
[[nodiscard]] Result<UpdateOutcome> update(const UpdateRequest& request, ProcessRunner& runner,
                                           oci::Progress* progress);

}  // namespace nimbus::release
