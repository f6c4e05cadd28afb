#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/test_folder.h"

namespace nimbus::project {

// A fresh folder for one test; goes with it.
class TestFolder {
 public:
  [[nodiscard]] std::string path(std::string_view name = {}) const { return folder_.path(name); }
  // Makes the folders it stands in; returns its path.
  std::string write(const std::string& name, std::string_view content) {
    const std::filesystem::path file = path(name);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
    return file.string();
  }
  // `text` with this folder's own path taken out.
  [[nodiscard]] std::string withoutFolder(std::string text) const {
    const std::string folder = path() + "/";
    for (std::size_t at = 0; (at = text.find(folder, at)) != std::string::npos;)
      text.erase(at, folder.size());
    return text;
  }

 private:
  nimbus::TemporaryFolder folder_;
};

}  // namespace nimbus::project
