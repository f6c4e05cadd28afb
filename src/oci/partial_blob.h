#pragma once

#include <memory>
#include <string>

#include "base/files.h"
#include "oci/blob_sink.h"
#include "oci/digest.h"
#include "oci/manifest.h"

namespace nimbus::oci {

// A blob of the cache that is being downloaded: a file that goes on where an earlier download of
// it, perhaps by another process, was broken off. The file is locked; when another process has
// locked it, this download gets a file of its own, which goes with the object. So does a file that
// could not be written on: on a full disk, what is of no use takes no room. All of it blocks.
class PartialBlob final : public BlobSink {
 public:
  // `folder`: of unfinished downloads.
  [[nodiscard]] static Result<std::unique_ptr<PartialBlob>> open(const std::string& folder,
                                                                 const Descriptor& blob);
  ~PartialBlob() override;

  [[nodiscard]] std::uint64_t size() const override { return size_; }
  Result<void> append(ByteView bytes) override;
  Result<void> restart() override;
  bool verify() override;

  // Puts the verified blob in its place.
  [[nodiscard]] Result<void> moveTo(const std::string& path);

 private:
  PartialBlob(std::string path, UniqueFd file, Digest wanted, bool shared)
      : path_(std::move(path)),
        file_(std::move(file)),
        wanted_(std::move(wanted)),
        shared_(shared) {}
  // Takes in what the file has already.
  Result<void> readWhatIsThere(std::uint64_t most);

  std::string path_;
  UniqueFd file_;
  const Digest wanted_;
  const bool shared_;  // a later download may go on with it
  bool moved_ = false;
  bool broken_ = false;  // the disk took no more
  std::uint64_t size_ = 0;
  Hasher hasher_;
};

}  // namespace nimbus::oci
