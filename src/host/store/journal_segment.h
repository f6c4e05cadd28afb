#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/result.h"

namespace nimbus::host {

// One file of a journal, "journal.<number>": lines are only ever appended. Blocks; used by one
// thread at a time.
class JournalSegment {
 public:
  // Makes the file, durably; kIo if there is one already. Mode 0600.
  [[nodiscard]] static Result<JournalSegment> create(const std::string& folder,
                                                     std::uint64_t number);
  [[nodiscard]] static Result<JournalSegment> open(const std::string& folder, std::uint64_t number);
  // Of the segments in a folder, ascending.
  [[nodiscard]] static Result<std::vector<std::uint64_t>> numbersIn(const std::string& folder);

  [[nodiscard]] std::uint64_t number() const { return number_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  // Nothing can be appended any more.
  [[nodiscard]] bool sealed() const { return sealed_; }
  void seal() { sealed_ = true; }

  // Complete when the bytes would survive a crash. After an error they are cut off again; where
  // what the disk has of them is unknown, because they could not be synced or cut off, the segment
  // is sealed.
  [[nodiscard]] Result<void> append(std::string_view bytes);
  // Whether its name still stands for this file, which may have been deleted, or moved with its
  // folder, by somebody else.
  [[nodiscard]] bool inPlace() const;
  [[nodiscard]] Result<std::string> read(std::uint64_t offset, std::size_t length) const;
  // Cuts off what lies behind.
  [[nodiscard]] Result<void> truncate(std::uint64_t bytes);
  [[nodiscard]] Result<void> remove();

 private:
  JournalSegment(std::string path, std::uint64_t number, UniqueFd file, std::uint64_t bytes)
      : path_(std::move(path)), number_(number), file_(std::move(file)), bytes_(bytes) {}

  std::string path_;
  std::uint64_t number_;
  UniqueFd file_;
  std::uint64_t bytes_;
  bool sealed_ = false;
};

}  // namespace nimbus::host
