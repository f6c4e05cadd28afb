// Differential fuzzing of what reads HTTP/1 responses, as the client does it, against Boost.Beast:
// what ours accepts, Beast must accept too, with the same status, fields, framing, content, end,
// and life of the connection. (The reverse need not hold: ours is stricter.) And however the bytes
// are cut into pieces, the result must be the same, refusals included.
//
// The first line of an input names the method of the request and the sizes of the pieces, such as
// "HEAD 1539"; behind it comes what the server sends until it closes the connection.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "http/http1_body_decoder.h"
#include "http/http1_fuzz_support.h"
#include "http/http1_parser.h"

namespace nimbus::http {
namespace {

using RequestKind = ResponseParser::RequestKind;

// Informational responses and, at the end, the one that is final, incomplete, or refused.
using Answer = std::vector<Message>;

bool isInformational(const Message& message) {
  return message.head == ParseState::kDone && message.status < 200;
}

// What Http1Exchange does with the bytes of its connection.
class Reader {
 public:
  explicit Reader(RequestKind kind)
      : kind_(kind), parser_({}, head_), decoder_({}, BodyDecoder::BadWhiteSpace::kAccepted) {
    parser_.start(kind_);
  }

  // False: it wants no more.
  bool feed(std::string_view bytes) {
    for (;;) {
      Message& message = answer_.back();
      bytes = feedMessage(message, parser_, decoder_, bytes, [&] {
        message.status = head_.status;
        message.version = parser_.version();
        headDone(message, parser_.control(), decoder_, head_.headers);
      });
      if (!isInformational(message)) return bytes.empty();
      if (message.status == 101) return false;
      answer_.emplace_back();
      parser_.start(kind_);
    }
  }

  Answer endOfInput() {
    Message& message = answer_.back();
    if (message.head == ParseState::kDone) {
      decoder_.endOfInput();
      message.content_state = decoder_.state();
      if (decoder_.state() == ParseState::kFailed) addFailure(message, 0, decoder_.failureReason());
    }
    return std::move(answer_);
  }

 private:
  const RequestKind kind_;
  ResponseHead head_;
  ResponseParser parser_;
  BodyDecoder decoder_;
  Answer answer_{1};
};

Answer readOurs(std::string_view text, RequestKind kind, std::string_view plan) {
  Reader reader(kind);
  feedInPieces(text, plan, [&](std::string_view piece) { return reader.feed(piece); });
  return reader.endOfInput();
}

void comparePieces(const Answer& whole, const Answer& cut) {
  if (cut.size() != whole.size()) report("pieces", whole.back(), cut.back());
  for (std::size_t i = 0; i < whole.size(); ++i) comparePieces(whole[i], cut[i]);
}

constexpr std::string_view kVersionAndStatus = "HTTP/1.1 200";

// Beast refuses minor versions that it does not know, which ours reads as HTTP/1.1 (RFC 9110 2.5),
// and status lines without the space before a reason that is missing, which ours tolerates, as
// servers send them (the space is the server's duty in RFC 9112 4).
std::string inFormOfBeast(std::string_view response) {
  std::string text(response);
  char& minor = text[kVersionAndStatus.find(' ') - 1];
  if (minor > '1' && minor <= '9') minor = '1';
  if (response.substr(kVersionAndStatus.size()).starts_with('\r')) {
    text.insert(kVersionAndStatus.size(), " ");
  }
  return text;
}

void testOne(std::string_view input) {
  const std::size_t line_end = input.find('\n');
  if (line_end == std::string_view::npos) return;
  const std::string_view line = input.substr(0, line_end);
  std::string_view text = input.substr(line_end + 1);
  const std::size_t space = line.find(' ');
  const bool is_head = line.substr(0, space) == "HEAD";
  const RequestKind kind = is_head ? RequestKind::kHead : RequestKind::kOrdinary;

  const Answer answer = readOurs(text, kind, {});
  comparePieces(answer, readOurs(text, kind, "1"));
  if (space != std::string_view::npos) {
    comparePieces(answer, readOurs(text, kind, line.substr(space + 1)));
  }
  for (const Message& message : answer) {
    if (message.head != ParseState::kDone) return;
    const std::string response = inFormOfBeast(text);
    Message theirs = readByBeast<false>(response, message.complete(), is_head);
    theirs.used -= response.size() - text.size();
    compareWithBeast(message, std::move(theirs));
    text.remove_prefix(message.used);
  }
}

}  // namespace
}  // namespace nimbus::http

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nimbus::http::testOne({reinterpret_cast<const char*>(data), size});
  return 0;
}
