#pragma once

#include <cstdint>
#include <string_view>

namespace nimbus::oci {

// Told how transfers get on, so that somebody who waits can be shown it. They may overlap. Called
// on the shard that transfers, at every piece: must be quick.
//
// All that a pull or a push does is one thing, and the blob that it transfers another one within
// it, of the same name: so that who waits for an answer is shown something too.
class Progress {
 public:
  virtual ~Progress() = default;
  enum class Direction { kDownload, kUpload };
  using Id = std::uint64_t;
  // Something begins of which nobody knows the bytes, or not yet. Gives what it is called.
  [[nodiscard]] virtual Id begin(Direction direction, std::string_view what) = 0;
  // A blob of that many bytes begins; `done` of them are there from an earlier attempt. Gives what
  // the transfer is called from now on.
  [[nodiscard]] virtual Id begin(Direction direction, std::string_view what, std::uint64_t done,
                                 std::uint64_t total) = 0;
  // So many bytes of it are there; goes back when an attempt has to begin anew.
  virtual void at(Id transfer, std::uint64_t done) = 0;
  // Either is done, or was given up.
  virtual void end(Id transfer) = 0;
};

// Tells somebody, if there is somebody, of one thing that begins, and of its end however it comes.
class Watched {
 public:
  Watched(Progress* progress, Progress::Direction direction, std::string_view what)
      : progress_(progress) {
    if (progress_) id_ = progress_->begin(direction, what);
  }
  Watched(Progress* progress, Progress::Direction direction, std::string_view what,
          std::uint64_t done, std::uint64_t total)
      : progress_(progress) {
    if (progress_) id_ = progress_->begin(direction, what, done, total);
  }
  Watched(const Watched&) = delete;
  Watched& operator=(const Watched&) = delete;
  ~Watched() {
    if (progress_) progress_->end(id_);
  }
  void at(std::uint64_t done) const {
    if (progress_) progress_->at(id_, done);
  }

 private:
  Progress* progress_;
  Progress::Id id_ = 0;
};

}  // namespace nimbus::oci
