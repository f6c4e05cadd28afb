#pragma once

#include <filesystem>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace nimbus::project {

// A new folder, named by a prefix and letters that nobody else has. It goes away with the object,
// and with everything in it.
class TemporaryFolder {
 public:
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
  ~TemporaryFolder();

  // Where the system keeps such folders; for this user alone.
  [[nodiscard]] static Result<TemporaryFolder> make(std::string_view prefix);
  // In `parent`, for all to read: to be filled there, and then renamed to what it is to be.
  [[nodiscard]] static Result<TemporaryFolder> makeIn(const std::filesystem::path& parent,
                                                      std::string_view prefix);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  // It has another name by now, and stays.
  void letGo() { path_.clear(); }

 private:
  explicit TemporaryFolder(std::filesystem::path path) : path_(std::move(path)) {}
  std::filesystem::path path_;
};

}  // namespace nimbus::project
