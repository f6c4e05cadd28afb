#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nimbus::http {

struct HeaderField {
  std::string_view name;   // lower case
  std::string_view value;  // no surrounding white space
};

// Header or trailer fields in the order they came, repeated names kept apart (RFC 9110 5). All
// text lies in one buffer that clear() keeps, so that a connection parses request after request
// without allocating. Names are stored in lower case.
class Headers {
 public:
  // Nothing is validated: callers that hold outside bytes do that first. Neither text may lie in
  // this object.
  void add(std::string_view name, std::string_view value);
  // Replaces all fields of that name by one.
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  void clear();
  // clear() that gives the memory back too.
  void release();

  // The first field of that name (given in lower case).
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const
      [[clang::lifetimebound]];
  [[nodiscard]] std::size_t count(std::string_view name) const;

  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  [[nodiscard]] bool empty() const { return entries_.empty(); }
  [[nodiscard]] HeaderField operator[](std::size_t index) const [[clang::lifetimebound]];
  // Bytes of all names and values together.
  [[nodiscard]] std::size_t textBytes() const { return text_.size(); }

 private:
  struct Entry {
    std::uint32_t offset;
    std::uint32_t name_bytes;
    std::uint32_t value_bytes;
  };
  std::string text_;
  std::vector<Entry> entries_;
};

// RFC 9110 5.6.2 token: method names, field names.
[[nodiscard]] bool isToken(std::string_view text);
// RFC 9110 5.5 field value without leading or trailing white space: no control characters but tab.
[[nodiscard]] bool isFieldValue(std::string_view text);

}  // namespace nimbus::http
