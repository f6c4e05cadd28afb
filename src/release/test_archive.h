#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace nimbus::release {

// A tar archive for tests, which may say what no sound one does. Written header by header (POSIX
// ustar), so that nothing on its way makes it better.
class TestArchive {
 public:
  struct Entry {
    std::string name;
    std::string content = {};
    unsigned mode = 0644;
    char type = '0';  // '5' a folder, '1' a hard link, '2' a symbolic link, …
    std::string link = {};
  };

  void add(const Entry& entry) {
    std::string head;
    head += padded(entry.name, 100);
    head += fmt::format("{:07o}", entry.mode) + '\0';
    head += std::string("0000000") + '\0' + "0000000" + '\0';
    head += fmt::format("{:011o}", entry.content.size()) + '\0';
    head += std::string("00000000001") + '\0';
    head += "        ";  // the checksum, which counts as spaces
    head += entry.type;
    head += padded(entry.link, 100);
    head += std::string("ustar") + '\0' + "00";
    head.resize(kBlockBytes, '\0');
    unsigned sum = 0;
    for (const char c : head) sum += static_cast<std::uint8_t>(c);
    head.replace(kChecksumAt, 8, fmt::format("{:06o}", sum) + '\0' + ' ');
    bytes_ += head + entry.content;
    bytes_.resize((bytes_.size() + kBlockBytes - 1) / kBlockBytes * kBlockBytes, '\0');
  }

  [[nodiscard]] std::string bytes() const { return bytes_ + std::string(2 * kBlockBytes, '\0'); }

 private:
  static constexpr std::size_t kBlockBytes = 512;
  static constexpr std::size_t kChecksumAt = 148;

  static std::string padded(std::string_view text, std::size_t bytes) {
    std::string field(text.substr(0, bytes));
    field.resize(bytes, '\0');
    return field;
  }

  std::string bytes_;
};

}  // namespace nimbus::release
