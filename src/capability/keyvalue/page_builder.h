#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "capability/keyvalue/limits.h"
#include "capability/keyvalue/store.h"

namespace nimbus::keyvalue {

// Collects keys up to the size of a page.
class PageBuilder {
 public:
  // False: the page is full, and the key was not taken.
  [[nodiscard]] bool take(std::string key) {
    if (page_.keys.size() == kMaxPageKeys || bytes_ >= kMaxPageBytes) return false;
    bytes_ += key.size();
    page_.keys.push_back(std::move(key));
    return true;
  }
  [[nodiscard]] KeyPage finish(std::optional<std::uint64_t> cursor) {
    page_.cursor = cursor;
    return std::move(page_);
  }

 private:
  KeyPage page_;
  std::size_t bytes_ = 0;
};

}  // namespace nimbus::keyvalue
