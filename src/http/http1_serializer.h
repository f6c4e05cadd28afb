#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "http/message.h"

namespace nimbus::http {

// "Not Found"; "Unknown" for codes without a registered phrase.
[[nodiscard]] std::string_view reasonPhrase(std::uint16_t status);

// "HTTP/1.1 404 Not Found\r\n"
void appendStatusLine(std::string& out, std::uint16_t status);

// What fields said that were not written, because the connection decides about them.
struct WrittenFields {
  bool valid = true;  // false: a name or value must not be sent; `out` is as it was
  bool has_date = false;
  std::optional<std::uint64_t> content_length;
};

// "name: value\r\n" for each field but those of the connection: connection, keep-alive, te,
// transfer-encoding, upgrade, …, and content-length and host. Guests fill these fields, so names
// and values are checked: nothing is written that could end a line.
WrittenFields appendFields(std::string& out, const Headers& headers);

void appendField(std::string& out, std::string_view name, std::string_view value);
void appendContentLength(std::string& out, std::uint64_t length);

// The size line of one chunk.
void appendChunkSize(std::string& out, std::uint64_t size);
// The last chunk and the trailers; trailers that must not be sent are left out.
void appendLastChunk(std::string& out, const Headers& trailers);

}  // namespace nimbus::http
