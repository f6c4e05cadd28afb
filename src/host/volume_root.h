#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "net/blocking_worker.h"

namespace nimbus::host {

// The folder below which the ephemeral volumes of this process lie, and who deletes them. Guests
// write there with the rights of the host, so nobody else may be able to put a link in the way:
// either the operator has named a folder, which must be writable for its owner alone (this user or
// root), or a new one with a name that nobody can foresee is made when the first volume needs it,
// and goes with this object.
class VolumeRoot {
 public:
  // An absolute path; empty for a folder of its own.
  explicit VolumeRoot(std::string configured) : folder_(std::move(configured)) {}
  VolumeRoot(const VolumeRoot&) = delete;
  VolumeRoot& operator=(const VolumeRoot&) = delete;
  // Waits until everything is deleted.
  ~VolumeRoot();

  // kPermissionDenied if others can write there. Any thread.
  [[nodiscard]] Result<std::string> folder();

  // Deletes what lies there, soon: it may be a million files.
  void remove(std::string path);

 private:
  std::mutex mutex_;
  std::string folder_;
  bool own_ = false;
  std::unique_ptr<net::BlockingWorker> remover_ = std::make_unique<net::BlockingWorker>();
};

}  // namespace nimbus::host
