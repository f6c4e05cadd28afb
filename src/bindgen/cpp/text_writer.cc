#include "bindgen/cpp/text_writer.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/text.h"

namespace nimbus::bindgen::cpp {

void TextWriter::line(std::string_view text) {
  // Access labels stand one blank to the left of members.
  const bool label = text == "public:" || text == "private:";
  if (!text.empty()) text_ += label ? margin().substr(1) : margin();
  text_ += text;
  text_ += '\n';
}

void TextWriter::comment(std::string_view text) {
  if (trim(text).empty()) return;
  for (const std::string_view row : split(text, '\n')) {
    const std::string_view words = trim(row);
    if (words.empty()) {
      line("//");
    } else {
      wrapped(words);
    }
  }
}

void TextWriter::wrapped(std::string_view text) {
  const std::size_t room = kColumns - 2 * depth_ - 3;
  while (text.size() > room) {
    std::size_t cut = text.rfind(' ', room);
    if (cut == std::string_view::npos || cut == 0) cut = text.find(' ');
    if (cut == std::string_view::npos) break;
    line(fmt::format("// {}", text.substr(0, cut)));
    text.remove_prefix(cut + 1);
  }
  line(fmt::format("// {}", text));
}

void TextWriter::call(std::string_view head, const std::vector<std::string>& arguments,
                      std::string_view tail) {
  const std::string whole = fmt::format("{}({}){}", head, fmt::join(arguments, ", "), tail);
  if (2 * depth_ + whole.size() <= kColumns || arguments.empty()) return line(whole);
  std::string rows;
  if (packed(2 * depth_ + head.size() + 1, arguments, tail, rows))
    return line(fmt::format("{}({}", head, rows));
  line(fmt::format("{}(", head));
  indent();
  indent();
  if (packed(2 * depth_, arguments, tail, rows)) {
    line(rows);
  } else {
    line(fmt::format("{}){}", fmt::join(arguments, ", "), tail));
  }
  outdent();
  outdent();
}

void TextWriter::variant(const std::vector<std::string>& types) {
  const std::string head = "std::variant<";
  std::string row = head;
  for (std::size_t i = 0; i < types.size(); ++i) {
    const std::string part = types[i] + (i + 1 < types.size() ? "," : "> value;");
    if (i > 0 && 2 * depth_ + row.size() + 1 + part.size() > kColumns) {
      line(row);
      row = std::string(head.size(), ' ') + part;
    } else {
      row += (i > 0 ? " " : "") + part;
    }
  }
  line(row);
}

// The arguments in rows that begin at `column`; false if one does not fit.
bool TextWriter::packed(std::size_t column, const std::vector<std::string>& arguments,
                        std::string_view tail, std::string& out) const {
  out.clear();
  std::size_t at = column;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const bool last = i + 1 == arguments.size();
    const std::size_t width = arguments[i].size() + (last ? 1 + tail.size() : 1);
    if (column + width > kColumns) return false;
    if (i > 0 && at + 1 + width > kColumns) {
      out += '\n';
      out += std::string(column, ' ');
      at = column;
    } else if (i > 0) {
      out += ' ';
      ++at;
    }
    out += arguments[i];
    out += last ? ")" + std::string(tail) : ",";
    at += width;
  }
  return true;
}

}  // namespace nimbus::bindgen::cpp
