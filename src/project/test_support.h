#pragma once

#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace nimbus::project {

// A fresh folder for one test; goes with it.
class TestFolder {
 public:
  TestFolder() {
    std::string name = std::filesystem::canonical(testing::TempDir()).string() + "/nimbus-XXXXXX";
    EXPECT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;
  ~TestFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  [[nodiscard]] std::string path(const std::string& name = "") const {
    return name.empty() ? folder_ : folder_ + "/" + name;
  }
  // Makes the folders it stands in; returns its path.
  std::string write(const std::string& name, std::string_view content) {
    const std::filesystem::path file = path(name);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << content;
    return file.string();
  }
  // `text` with this folder's own path taken out.
  [[nodiscard]] std::string withoutFolder(std::string text) const {
    for (std::size_t at = 0; (at = text.find(folder_ + "/", at)) != std::string::npos;)
      text.erase(at, folder_.size() + 1);
    return text;
  }

 private:
  std::string folder_;
};

}  // namespace nimbus::project
