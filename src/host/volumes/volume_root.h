#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/blocking_worker.h"

namespace nimbus::host {

// The folder below which the ephemeral volumes of this process lie, and who deletes them. Guests
// write there with the rights of the host, so nobody else may be able to put a link in the way:
// either the operator has named a folder, which must be writable for its owner alone (this user or
// root) and is this object's alone from the first volume on, or a new one with a name that nobody
// can foresee is made when the first volume needs it, and goes with this object.
class VolumeRoot {
 public:
  // An absolute path; empty for a folder of its own.
  explicit VolumeRoot(std::string configured) : folder_(std::move(configured)) {}
  VolumeRoot(const VolumeRoot&) = delete;
  VolumeRoot& operator=(const VolumeRoot&) = delete;
  // Waits until everything is deleted.
  ~VolumeRoot();

  // kPermissionDenied if others can write there, kAlreadyExists if another host uses it. Any
  // thread.
  [[nodiscard]] Result<std::string> folder();

  // Takes a folder that lies there from its place, and deletes it soon.
  [[nodiscard]] Result<void> moveAway(const std::string& path);

  // Deletes what lies there, soon: it may be a million files.
  void remove(std::string path);

 private:
  // The mutex is locked.
  [[nodiscard]] Result<void> take();
  [[nodiscard]] Result<void> discard(const std::string& path);

  std::mutex mutex_;
  std::string folder_;
  bool own_ = false;
  UniqueFd lock_;  // of a folder that the operator has named
  std::uint64_t moved_ = 0;
  std::unique_ptr<net::BlockingWorker> remover_ = std::make_unique<net::BlockingWorker>();
};

}  // namespace nimbus::host
