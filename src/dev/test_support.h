#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/test_folder.h"

namespace nimbus::dev {

// A folder for a project that goes with the object.
class ProjectFolder {
 public:
  [[nodiscard]] std::string path(std::string_view name = {}) const { return folder_.path(name); }
  void write(std::string_view name, std::string_view text) const {
    const std::filesystem::path file = path(name);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }

 private:
  TemporaryFolder folder_;
};

}  // namespace nimbus::dev
