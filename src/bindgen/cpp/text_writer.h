#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace nimbus::bindgen::cpp {

// Lines of C++ of at most 100 columns where that can be.
class TextWriter {
 public:
  // A line at the current depth; empty lines get no blanks.
  void line(std::string_view text = {});
  // A comment of any length; nothing for an empty one.
  void comment(std::string_view text);
  // `head` + "(" + parameters + ")" + `tail`, broken before or within the parameters if too long.
  void call(std::string_view head, const std::vector<std::string>& arguments,
            std::string_view tail);
  // "std::variant<A, B> value;"
  void variant(const std::vector<std::string>& types);
  void indent() { ++depth_; }
  void outdent() { --depth_; }

  [[nodiscard]] std::string take() && { return std::move(text_); }

 private:
  static constexpr std::size_t kColumns = 100;
  [[nodiscard]] std::string margin() const { return std::string(2 * depth_, ' '); }
  [[nodiscard]] bool packed(std::size_t column, const std::vector<std::string>& arguments,
                            std::string_view tail, std::string& out) const;
  void wrapped(std::string_view text);

  std::string text_;
  std::size_t depth_ = 0;
};

}  // namespace nimbus::bindgen::cpp
