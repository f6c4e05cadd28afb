// Differential fuzzing of the HTTP/1 parser against Boost.Beast: what ours accepts, Beast must
// accept too, with the same method, target, fields, content, and end. (The reverse need not hold:
// ours is stricter.) And however the bytes are cut into pieces, the result must be the same.
#include <boost/beast/http.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "http/http1_body_decoder.h"
#include "http/http1_parser.h"

namespace nimbus::http {
namespace {

namespace beast = boost::beast::http;

struct Message {
  bool complete = false;
  bool refused = false;
  std::size_t used = 0;
  std::string method;
  std::string path;
  std::vector<std::string> fields;
  std::string content;
  friend bool operator==(const Message&, const Message&) = default;
};

void addFields(Message& message, const Headers& headers) {
  for (std::size_t i = 0; i < headers.size(); ++i) {
    message.fields.push_back(std::string(headers[i].name) + ": " + std::string(headers[i].value));
  }
}

Message parseOurs(std::string_view text, std::size_t piece_bytes) {
  Message message;
  RequestHead head;
  RequestParser parser({}, head);
  parser.start();
  while (parser.state() == ParseState::kMore && message.used < text.size()) {
    message.used += parser.feed(text.substr(message.used, piece_bytes));
  }
  message.refused = parser.state() == ParseState::kFailed;
  if (parser.state() != ParseState::kDone) return message;
  message.method = head.method;
  message.path = head.path;
  addFields(message, head.headers);
  BodyDecoder decoder({});
  decoder.start(parser.control().body);
  while (decoder.state() == ParseState::kMore && message.used < text.size()) {
    const auto piece = decoder.feed(text.substr(message.used, piece_bytes));
    message.used += piece.consumed;
    message.content += piece.content;
  }
  addFields(message, decoder.trailers());
  message.refused = decoder.state() == ParseState::kFailed;
  message.complete = decoder.state() == ParseState::kDone;
  return message;
}

Message parseBeast(std::string_view text) {
  Message message;
  beast::request_parser<beast::string_body> parser;
  parser.body_limit(boost::none);
  parser.header_limit(1 << 20);
  parser.eager(true);
  boost::beast::error_code error;
  while (!parser.is_done() && message.used < text.size()) {
    const std::string_view rest = text.substr(message.used);
    const std::size_t used = parser.put(boost::asio::buffer(rest.data(), rest.size()), error);
    message.used += used;
    if (error == beast::error::need_more && used > 0) continue;
    if (error) break;
  }
  message.refused = error && error != beast::error::need_more;
  message.complete = parser.is_done();
  if (!message.complete) return message;
  message.method = parser.get().method_string();
  message.path = parser.get().target();
  for (const auto& field : parser.get()) {
    const FieldKind kind = classifyField(field.name_string());
    if (kind != FieldKind::kOrdinary && kind != FieldKind::kContentLength) continue;
    std::string name(field.name_string());
    for (char& c : name) c = lowerAscii(c);
    message.fields.push_back(name + ": " + std::string(field.value()));
  }
  message.content = parser.get().body();
  return message;
}

[[noreturn]] void report(const char* what, const Message& ours, const Message& theirs) {
  for (const Message* message : {&ours, &theirs}) {
    std::fprintf(stderr, "%s: %s complete=%d refused=%d used=%zu %s %s content=%s\n", what,
                 message == &ours ? "ours" : "other", message->complete, message->refused,
                 message->used, message->method.c_str(), message->path.c_str(),
                 message->content.c_str());
    for (const std::string& field : message->fields) std::fprintf(stderr, "  %s\n", field.c_str());
  }
  std::abort();
}

// Beast moves fields of one name together.
void sortByName(std::vector<std::string>& fields) {
  std::multimap<std::string, std::string> sorted;  // keeps the order of equal keys
  for (std::string& field : fields) {
    std::string name = field.substr(0, field.find(':'));
    sorted.emplace(std::move(name), std::move(field));
  }
  fields.clear();
  for (auto& [name, field] : sorted) fields.push_back(std::move(field));
}

void compare(Message ours, Message theirs) {
  if (!theirs.complete) report("only ours accepts", ours, theirs);
  sortByName(ours.fields);
  sortByName(theirs.fields);
  // Beast keeps absolute targets as they are.
  if (!theirs.path.starts_with('/') && theirs.path != "*") theirs.path = ours.path;
  if (!(ours == theirs)) report("different", ours, theirs);
}

// Beast refuses minor versions that it does not know, which ours reads as HTTP/1.1.
std::string inVersionOfBeast(std::string_view request) {
  std::string text(request);
  const std::size_t line_end = text.find("\r\n");
  if (line_end == std::string::npos || line_end == 0) return text;
  char& minor = text[line_end - 1];
  if (minor > '1' && minor <= '9') minor = '1';
  return text;
}

void testOne(std::string_view text) {
  // Message after message, as on a connection.
  for (int i = 0; i < 8 && !text.empty(); ++i) {
    const Message whole = parseOurs(text, text.size());
    for (const std::size_t bytes : {1, 7}) {
      Message cut = parseOurs(text, bytes);
      if (!whole.complete) {
        // Where a refused message ends means nothing.
        if (cut.complete || cut.refused != whole.refused) report("pieces", whole, cut);
      } else if (!(cut == whole)) {
        report("pieces", whole, cut);
      }
    }
    if (!whole.complete) return;
    // An empty line before the request is ours to tolerate.
    const std::size_t skipped = text.starts_with("\r\n") ? 2 : 0;
    Message theirs = parseBeast(inVersionOfBeast(text.substr(skipped)));
    theirs.used += skipped;
    compare(whole, std::move(theirs));
    text.remove_prefix(whole.used);
  }
}

}  // namespace
}  // namespace nimbus::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nimbus::http::testOne({reinterpret_cast<const char*>(data), size});
  return 0;
}
