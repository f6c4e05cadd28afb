#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <system_error>

#include "base/check.h"

namespace nimbus {

// A new, empty folder for one test, which goes with the object. For the tests of all floors.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    // Without links in it: some of what is tested tells real paths.
    std::string name =
        (std::filesystem::canonical(std::filesystem::temp_directory_path()) / "nimbus-XXXXXX")
            .string();
    NIMBUS_CHECK(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  // Of a file in it, whether or not it is there; without a name of the folder.
  [[nodiscard]] std::string path(std::string_view name = {}) const {
    return name.empty() ? path_ : path_ + "/" + std::string(name);
  }
  void write(std::string_view name, std::string_view text) const {
    std::ofstream(path(name), std::ios::binary | std::ios::trunc) << text;
  }
  [[nodiscard]] std::string read(std::string_view name) const {
    std::ifstream file(path(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

 private:
  std::string path_;
};

}  // namespace nimbus
