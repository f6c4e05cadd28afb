#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "engine/digest.h"
#include "host/control/component_stamps.h"
#include "host/manifest/manifest.h"

namespace nimbus::host {

// What one manifest file says, or why it cannot be used. A new object means that the file, or a
// component file it names, is new or was written or replaced, if only by the same.
struct ManifestFile {
  Result<std::shared_ptr<const WorkloadSpec>> spec;
};

// All manifests of a folder at one moment, by file name.
using FolderListing = std::map<std::string, std::shared_ptr<const ManifestFile>>;

// Reads the manifests of a folder: regular files, or links to some, called *.yaml, *.yml or *.json
// and not beginning with a dot. Remembers what it has read, so that an unchanged file costs one
// look at its stamp. Blocks; used by one thread.
class FolderReader {
 public:
  static constexpr std::size_t kMaxFiles = 200'000;

  explicit FolderReader(std::string folder) : folder_(std::move(folder)) {}

  // kNotFound if the folder is not there; then nothing is known about its files.
  [[nodiscard]] Result<FolderListing> list();

  // Whether some that list() found last are links. What these lead to may change without anything
  // that a watch of the folder sees.
  [[nodiscard]] bool hasLinks() const { return has_links_; }
  // Whether list() may find something else behind a link than it did.
  [[nodiscard]] bool linksChanged() const;

 private:
  struct Name {
    std::string text;
    bool is_link = false;
  };
  struct Memory {
    bool is_link = false;
    FileStamp stamp;
    bool readable = false;
    bool stamp_is_proof = false;  // it was old enough when the file was read
    engine::Sha256 digest{};      // of the text
    std::vector<FileStamp> component_stamps;
    std::shared_ptr<const ManifestFile> file;
  };
  Result<std::vector<Name>> names() const;
  [[nodiscard]] std::string pathOf(const std::string& name) const { return folder_ + "/" + name; }
  void refresh(const std::string& name, Memory& memory) const;

  std::string folder_;
  std::map<std::string, Memory> memories_;
  bool has_links_ = false;
};

}  // namespace nimbus::host
