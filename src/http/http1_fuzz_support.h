#pragma once

#include <algorithm>
#include <boost/beast/http.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "http/http1_body_decoder.h"
#include "http/http1_parser.h"

// What the fuzz targets of HTTP/1 share: a message in a form that can be compared, as our parser
// and as Boost.Beast reads it.
namespace nimbus::http {

namespace beast = boost::beast::http;

struct Message {
  ParseState head = ParseState::kMore;
  ParseState content_state = ParseState::kMore;
  std::string failure;
  std::size_t used = 0;
  // Of the head.
  unsigned status = 0;    // of a response
  std::string method;     // of a request, as are these
  std::string authority;  //
  std::string path;       //
  Version version = Version::kHttp11;
  bool keep_alive = false;
  BodyFraming::Kind framing = BodyFraming::Kind::kNone;
  std::optional<std::uint64_t> content_length;
  std::vector<std::string> fields;  // also those of the trailers
  std::string content;

  [[nodiscard]] bool complete() const { return content_state == ParseState::kDone; }
  [[nodiscard]] bool failed() const { return !failure.empty(); }
  friend bool operator==(const Message&, const Message&) = default;
};

inline void print(const char* whose, const Message& message) {
  std::fprintf(stderr,
               "%s: head=%d content_state=%d failure=\"%s\" used=%zu\n"
               "  status=%u method=\"%s\" authority=\"%s\" path=\"%s\" version=%d\n"
               "  keep_alive=%d framing=%d length=%s content=\"%s\"\n",
               whose, int(message.head), int(message.content_state), message.failure.c_str(),
               message.used, message.status, message.method.c_str(), message.authority.c_str(),
               message.path.c_str(), int(message.version), message.keep_alive, int(message.framing),
               message.content_length ? std::to_string(*message.content_length).c_str() : "none",
               message.content.c_str());
  for (const std::string& field : message.fields) std::fprintf(stderr, "  %s\n", field.c_str());
}

[[noreturn]] inline void report(const char* what, const Message& ours, const Message& other) {
  std::fprintf(stderr, "%s\n", what);
  print("ours", ours);
  print("other", other);
  std::abort();
}

// Gives `text` to `feed` in pieces whose sizes are the bytes of `plan` in turn, whole if there is
// no plan, until it returns false. Each piece lies in a buffer of exactly its size, so that a
// sanitizer sees every read beyond it. The digits '1' to '9' stand for the sizes that they name.
template <typename Feed>
void feedInPieces(std::string_view text, std::string_view plan, Feed feed) {
  for (std::size_t i = 0; !text.empty(); ++i) {
    std::size_t bytes = text.size();
    if (!plan.empty()) bytes = static_cast<unsigned char>(plan[i % plan.size()]) % '0';
    const std::string_view piece = text.substr(0, std::max<std::size_t>(bytes, 1));
    const auto copy = std::make_unique<char[]>(piece.size());
    std::ranges::copy(piece, copy.get());
    text.remove_prefix(piece.size());
    if (!feed(std::string_view(copy.get(), piece.size()))) return;
  }
}

// The same message, read in two ways of cutting it.
inline void comparePieces(const Message& whole, Message cut) {
  // Where the bytes that refuse a message end means nothing.
  if (whole.failed()) cut.used = whole.used;
  if (!(cut == whole)) report("pieces", whole, cut);
}

inline void addFields(Message& message, const Headers& headers) {
  for (std::size_t i = 0; i < headers.size(); ++i) {
    message.fields.push_back(std::string(headers[i].name) + ": " + std::string(headers[i].value));
  }
}

inline void addFailure(Message& message, std::uint16_t status, std::string_view reason) {
  message.failure = std::to_string(status) + " " + std::string(reason);
}

inline void headDone(Message& message, const HeadControl& control, BodyDecoder& decoder,
                     const Headers& fields) {
  message.keep_alive = control.keep_alive;
  message.framing = control.body.kind;
  message.content_length = control.content_length;
  addFields(message, fields);
  decoder.start(control.body);
  message.content_state = decoder.state();
}

// Hands bytes to the parser and, behind the head, to the decoder, until the message is at its end
// or refused; returns what was not taken. `head_done` reads what is particular to the kind of head.
template <typename HeadDone>
std::string_view feedMessage(Message& message, HeadParser& parser, BodyDecoder& decoder,
                             std::string_view bytes, HeadDone head_done) {
  while (!bytes.empty() && !message.failed() && !message.complete()) {
    std::size_t used = 0;
    if (message.head == ParseState::kMore) {
      used = parser.feed(bytes);
      message.head = parser.state();
      if (message.head == ParseState::kDone) head_done();
      if (message.head == ParseState::kFailed) {
        addFailure(message, parser.failure().status, parser.failure().reason);
      }
    } else {
      const BodyDecoder::Piece piece = decoder.feed(bytes);
      used = piece.consumed;
      message.content += piece.content;
      message.content_state = decoder.state();
      if (message.complete()) addFields(message, decoder.trailers());
      if (decoder.state() == ParseState::kFailed) addFailure(message, 0, decoder.failureReason());
    }
    message.used += used;
    bytes.remove_prefix(used);
  }
  return bytes;
}

inline bool saysOfConnection(const beast::fields& fields, std::string_view option) {
  const auto [begin, end] = fields.equal_range(beast::field::connection);
  return std::any_of(begin, end, [option](const auto& field) {
    return beast::token_list(field.value()).exists(option);
  });
}

// Whether the connection lives as Beast has it, but for two cases.
template <bool kRequest>
bool keepsAlive(const beast::parser<kRequest, beast::string_body>& parser) {
  const beast::fields& fields = parser.get();
  const bool close = saysOfConnection(fields, "close");
  const bool http10 = parser.get().version() == 10;
  // Beast goes by `proxy-connection` as by `connection`. Only the latter decides (RFC 9112 9.3);
  // the former says nothing to who is no proxy, and clients should not send it (C.2.2).
  const bool proxy = fields.count(beast::field::proxy_connection) > 0;
  // Of "close" and "keep-alive" in one message of HTTP/1.0 Beast goes by the latter. RFC 9112 9.3
  // has the connection end wherever "close" is present.
  const bool both = http10 && close;
  if (!proxy && !both) return parser.keep_alive();
  if (close || parser.need_eof()) return false;
  return !http10 || saysOfConnection(fields, "keep-alive");
}

// Fields that HeadParser keeps out of the headers.
inline bool isOfConnection(beast::field name) {
  switch (name) {
    case beast::field::connection:
    case beast::field::expect:
    case beast::field::host:
    case beast::field::http2_settings:
    case beast::field::keep_alive:
    case beast::field::proxy_connection:
    case beast::field::te:
    case beast::field::transfer_encoding:
    case beast::field::upgrade: return true;
    default: return false;
  }
}

template <bool kRequest>
BodyFraming::Kind framingOf(const beast::parser<kRequest, beast::string_body>& parser) {
  if (parser.is_done()) return BodyFraming::Kind::kNone;
  if (parser.chunked()) return BodyFraming::Kind::kChunked;
  return parser.need_eof() ? BodyFraming::Kind::kUntilClose : BodyFraming::Kind::kLength;
}

template <bool kRequest>
void readHeadOfBeast(Message& message, const beast::parser<kRequest, beast::string_body>& parser) {
  message.head = ParseState::kDone;
  message.version = parser.get().version() == 10 ? Version::kHttp10 : Version::kHttp11;
  message.keep_alive = keepsAlive(parser);
  message.framing = framingOf(parser);
  if (const auto length = parser.content_length()) message.content_length = *length;
  if constexpr (kRequest) {
    message.method = parser.get().method_string();
    message.path = parser.get().target();
    message.authority = parser.get()[beast::field::host];
  } else {
    message.status = parser.get().result_int();
  }
}

// One message at the beginning of `text` as Beast reads it: of an incomplete one only the head.
// `answers_head`: it is the response to a HEAD request.
template <bool kRequest>
Message readByBeast(std::string_view text, bool with_content, bool answers_head) {
  Message message;
  beast::parser<kRequest, beast::string_body> parser;
  parser.body_limit(boost::none);
  parser.header_limit(1 << 20);
  parser.skip(answers_head);
  boost::beast::error_code error;
  const auto put_until = [&](auto done) {
    while (!done() && message.used < text.size()) {
      const std::string_view rest = text.substr(message.used);
      const std::size_t used = parser.put(boost::asio::buffer(rest.data(), rest.size()), error);
      message.used += used;
      if (error && (error != beast::error::need_more || used == 0)) break;
    }
  };
  put_until([&] { return parser.is_header_done(); });
  if (parser.is_header_done()) readHeadOfBeast(message, parser);
  if (with_content && message.head == ParseState::kDone) {
    parser.eager(true);
    put_until([&] { return parser.is_done(); });
    if (!error && !parser.is_done()) parser.put_eof(error);
    message.content = parser.get().body();
  }
  if (parser.is_done()) message.content_state = ParseState::kDone;
  if (error) message.failure = error.message();
  for (const auto& field : parser.get()) {
    if (isOfConnection(field.name())) continue;
    message.fields.push_back(lowerAscii(std::string_view(field.name_string())) + ": " +
                             std::string(field.value()));
  }
  return message;
}

// Beast moves fields of one name together.
inline void sortByName(std::vector<std::string>& fields) {
  std::multimap<std::string, std::string> sorted;  // keeps the order of equal keys
  for (std::string& field : fields) {
    std::string name = field.substr(0, field.find(':'));
    sorted.emplace(std::move(name), std::move(field));
  }
  fields.clear();
  for (auto& [name, field] : sorted) fields.push_back(std::move(field));
}

// Of a message whose head ours accepts. Beast may not have been asked for content that ours does
// not accept: then only the heads count.
inline void compareWithBeast(Message ours, Message theirs) {
  if (theirs.head != ParseState::kDone) report("only ours accepts the head", ours, theirs);
  if (ours.complete()) {
    if (!theirs.complete()) report("only ours accepts the content", ours, theirs);
  } else {
    for (Message* const message : {&ours, &theirs}) {
      message->content_state = ParseState::kMore;
      message->failure.clear();
      message->used = 0;
      message->content.clear();
    }
  }
  sortByName(ours.fields);
  sortByName(theirs.fields);
  if (!(ours == theirs)) report("different", ours, theirs);
}

}  // namespace nimbus::http
