#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include "base/check.h"

namespace nimbus::dev {

// A folder for a project that goes with the object.
class ProjectFolder {
 public:
  ProjectFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "nimbus-dev-XXXXXX").string();
    NIMBUS_CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  ProjectFolder(const ProjectFolder&) = delete;
  ProjectFolder& operator=(const ProjectFolder&) = delete;
  ~ProjectFolder() { std::filesystem::remove_all(path_); }

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::string path(std::string_view name) const {
    return path_ + "/" + std::string(name);
  }
  void write(std::string_view name, std::string_view text) const {
    const std::filesystem::path file = path(name);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }

 private:
  std::string path_;
};

}  // namespace nimbus::dev
