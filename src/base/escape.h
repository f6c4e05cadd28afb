#pragma once

#include <string>
#include <string_view>

namespace nimbus {

// Untrusted text made safe to print. Control characters (C0, DEL, C1, U+2028, U+2029 and the
// direction marks that reorder a line) become escapes, and so do bytes that are not UTF-8: one
// record stays one line, and no peer can colour a terminal or forge a line.

// Appends `raw` with backslash escapes; printable text stays as it is.
void appendEscaped(std::string& out, std::string_view raw);
[[nodiscard]] std::string escaped(std::string_view raw);

// Like appendEscaped, but for messages of several lines: line breaks, tabs and backslashes stay, so
// that what was escaped already stays as it is.
void appendEscapedLines(std::string& out, std::string_view raw);

// Like appendEscaped, in double quotes if `raw` is empty or would not read as one word.
void appendWord(std::string& out, std::string_view raw);

// `raw` in double quotes for a message: escaped, cut after 80 bytes.
[[nodiscard]] std::string inQuotes(std::string_view raw);

// Appends `raw` as a JSON string with its quotes (RFC 8259). A byte that is not UTF-8 becomes
// U+FFFD.
void appendJsonString(std::string& out, std::string_view raw);

// The same JSON text with escapes for what JSON allows to stand bare in strings and a terminal may
// take for orders. A byte that is not UTF-8 becomes U+FFFD.
[[nodiscard]] std::string withEscapes(std::string_view json);

}  // namespace nimbus
