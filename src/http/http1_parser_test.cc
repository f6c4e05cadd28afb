#include "http/http1_parser.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace nimbus::http {
namespace {

// What became of a head, in a form that can be compared.
struct Parsed {
  ParseState state = ParseState::kMore;
  std::uint16_t status = 0;
  std::string reason;
  std::size_t used = 0;
  RequestHead head;
  HeadControl control;

  [[nodiscard]] std::string describe() const {
    std::string text = std::to_string(int(state)) + " " + std::to_string(status) + " " + reason;
    if (state != ParseState::kDone) return text;
    text += head.method + " " + head.authority + " " + head.path;
    for (std::size_t i = 0; i < head.headers.size(); ++i) {
      text.append("|").append(head.headers[i].name).append("=").append(head.headers[i].value);
    }
    text += " body=" + std::to_string(int(control.body.kind)) + "," +
            std::to_string(control.body.length);
    text += " keep=" + std::to_string(control.keep_alive);
    text += " expect=" + std::to_string(int(control.expectation));
    text += " used=" + std::to_string(used);
    return text;
  }
};

Parsed parseInPieces(std::string_view text, std::size_t piece_bytes, HeadLimits limits = {}) {
  Parsed parsed;
  RequestParser parser(limits, parsed.head);
  parser.start();
  while (parser.state() == ParseState::kMore && parsed.used < text.size()) {
    // A buffer of exactly the piece's size, so that a sanitizer sees every read beyond it.
    const std::string_view piece = text.substr(parsed.used, piece_bytes);
    const auto copy = std::make_unique<char[]>(piece.size());
    std::copy(piece.begin(), piece.end(), copy.get());
    parsed.used += parser.feed({copy.get(), piece.size()});
  }
  parsed.state = parser.state();
  if (parsed.state == ParseState::kFailed) {
    parsed.status = parser.failure().status;
    parsed.reason = parser.failure().reason;
  }
  parsed.control = parser.control();
  return parsed;
}

// Parses whole and in pieces of several sizes, which must give the same.
Parsed parse(std::string_view text, HeadLimits limits = {}) {
  Parsed whole = parseInPieces(text, text.size() + 1, limits);
  for (const std::size_t bytes : {1, 2, 3, 7, 16}) {
    EXPECT_EQ(parseInPieces(text, bytes, limits).describe(), whole.describe())
        << "in pieces of " << bytes << ": " << text;
  }
  return whole;
}

std::string withFields(std::string_view fields) {
  return "GET / HTTP/1.1\r\nhost: a\r\n" + std::string(fields) + "\r\n\r\n";
}

TEST(RequestParserTest, ReadsAnOrdinaryRequest) {
  const Parsed parsed = parse(
      "GET /path?query=1 HTTP/1.1\r\nHost: Example.com:8000\r\nUser-Agent:  x y \t\r\n"
      "Accept:*/*\r\nEmpty:\r\n\r\nrest");
  ASSERT_EQ(parsed.state, ParseState::kDone);
  EXPECT_EQ(parsed.head.method, "GET");
  EXPECT_EQ(parsed.head.path, "/path?query=1");
  EXPECT_EQ(parsed.head.authority, "Example.com:8000");
  EXPECT_EQ(parsed.head.version, Version::kHttp11);
  ASSERT_EQ(parsed.head.headers.size(), 3u);
  EXPECT_EQ(parsed.head.headers.find("user-agent"), "x y");
  EXPECT_EQ(parsed.head.headers.find("accept"), "*/*");
  EXPECT_EQ(parsed.head.headers.find("empty"), "");
  EXPECT_EQ(parsed.control.body.kind, BodyFraming::Kind::kNone);
  EXPECT_TRUE(parsed.control.keep_alive);
}

TEST(RequestParserTest, LeavesWhatFollowsTheHead) {
  RequestHead head;
  RequestParser parser({}, head);
  parser.start();
  const std::string_view text =
      "GET / HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: b\r\n\r\n";
  const std::size_t used = parser.feed(text);
  ASSERT_EQ(parser.state(), ParseState::kDone);
  EXPECT_EQ(parser.feed(text.substr(used)), 0u);
  parser.start();
  EXPECT_EQ(used + parser.feed(text.substr(used)), text.size());
  EXPECT_EQ(head.path, "/2");
  EXPECT_EQ(head.authority, "b");
  EXPECT_TRUE(head.headers.empty());
}

struct Refusal {
  const char* what;
  std::string text;
  std::uint16_t status;
};

// tidy: allow length, it is one table
TEST(RequestParserTest, RefusesWhatOthersMightReadDifferently) {
  using namespace std::string_literals;
  const std::vector<Refusal> cases = {
      {"bare LF after the request line", "GET / HTTP/1.1\nhost: a\r\n\r\n", 400},
      {"bare LF after a field", "GET / HTTP/1.1\r\nhost: a\n\r\n", 400},
      {"bare LF at the end", "GET / HTTP/1.1\r\nhost: a\r\n\n", 400},
      {"bare CR in the request line", "GET /\r HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"bare CR in a value", withFields("x: a\rb: c"), 400},
      {"bare CR at the end of a value", withFields("x: a\r"), 400},
      {"CR CR LF", "GET / HTTP/1.1\r\r\nhost: a\r\n\r\n", 400},
      {"NUL in a value", withFields("x: a\0b"s), 400},
      {"NUL in a name", withFields("x\0y: a"s), 400},
      {"NUL in the target", "GET /\0 HTTP/1.1\r\nhost: a\r\n\r\n"s, 400},
      {"control character in a value", withFields("x: a\x01"), 400},
      {"DEL in a value", withFields("x: a\x7f"), 400},
      {"folded line by space", withFields("x: a\r\n b"), 400},
      {"folded line by tab", withFields("x: a\r\n\tb"), 400},
      {"white space line before the first field", "GET / HTTP/1.1\r\n x: y\r\nhost: a\r\n\r\n",
       400},
      {"space before the colon", withFields("x : a"), 400},
      {"tab before the colon", withFields("x\t: a"), 400},
      {"space in a name", withFields("x y: a"), 400},
      {"no name", withFields(": a"), 400},
      {"no colon", withFields("xyz"), 400},
      {"invalid character in a name", withFields("x(y): a"), 400},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two hosts", withFields("host: a"), 400},
      {"two hosts, one empty", withFields("Host:"), 400},
      {"host list", "GET / HTTP/1.1\r\nhost: a, b\r\n\r\n", 400},
      {"host with a path", "GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", 400},
      {"host with user information", "GET / HTTP/1.1\r\nhost: u@a\r\n\r\n", 400},
      {"host with space", "GET / HTTP/1.1\r\nhost: a b\r\n\r\n", 400},
      {"port too large", "GET / HTTP/1.1\r\nhost: a:99999\r\n\r\n", 400},
      {"lengths that differ", withFields("content-length: 1\r\ncontent-length: 2"), 400},
      {"lengths that agree", withFields("content-length: 1\r\ncontent-length: 1"), 400},
      {"list of lengths", withFields("content-length: 1, 1"), 400},
      {"signed length", withFields("content-length: +1"), 400},
      {"negative length", withFields("content-length: -1"), 400},
      {"hexadecimal length", withFields("content-length: 0x10"), 400},
      {"length with space", withFields("content-length: 1 0"), 400},
      {"empty length", withFields("content-length:"), 400},
      {"length beyond 2^63", withFields("content-length: 9223372036854775808"), 400},
      {"length beyond 2^64", withFields("content-length: 18446744073709551617"), 400},
      {"length and coding", withFields("content-length: 1\r\ntransfer-encoding: chunked"), 400},
      {"coding and length", withFields("transfer-encoding: chunked\r\ncontent-length: 1"), 400},
      {"coding in 1.0", "GET / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n", 400},
      {"unknown coding", withFields("transfer-encoding: gzip"), 501},
      {"identity", withFields("transfer-encoding: identity"), 501},
      {"coding before chunked", withFields("transfer-encoding: gzip, chunked"), 501},
      {"chunked not last", withFields("transfer-encoding: chunked, gzip"), 400},
      {"chunked twice", withFields("transfer-encoding: chunked, chunked"), 400},
      {"two codings fields", withFields("transfer-encoding: chunked\r\ntransfer-encoding: chunked"),
       400},
      {"hidden chunked",
       withFields("transfer-encoding: \x0b"
                  "chunked"),
       400},
      {"almost chunked", withFields("transfer-encoding: xchunked"), 501},
      {"chunked with parameters", withFields("transfer-encoding: chunked;q=1"), 501},
      {"empty coding", withFields("transfer-encoding:"), 400},
      {"connection with other characters", withFields("connection: close\xff"), 400},
      {"connection with parameters", withFields("connection: a b"), 400},
      {"proxy-connection with other characters", withFields("proxy-connection: a b"), 400},
      {"invalid method", "GE(T / HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"method begins wrongly", "(GET / HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"space before the method", " GET / HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"two spaces", "GET  / HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"two spaces before the version", "GET /  HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"space at the end", "GET / HTTP/1.1 \r\nhost: a\r\n\r\n", 400},
      {"tab as separator", "GET\t/ HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"HTTP/0.9", "GET /\r\n", 400},
      {"lower-case version", "GET / http/1.1\r\nhost: a\r\n\r\n", 400},
      {"long version", "GET / HTTP/1.10\r\nhost: a\r\n\r\n", 400},
      {"HTTP/1.x", "GET / HTTP/1.x\r\nhost: a\r\n\r\n", 400},
      {"HTTP/0.1", "GET / HTTP/0.1\r\nhost: a\r\n\r\n", 505},
      {"HTTP/1.2 without host", "GET / HTTP/1.2\r\n\r\n", 400},
      {"HTTP/2.0", "GET / HTTP/2.0\r\nhost: a\r\n\r\n", 505},
      {"relative target", "GET path HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"fragment", "GET /#x HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"quote in the target", "GET /\" HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"markup in the target", "GET /<x> HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"non-ASCII target", "GET /\xc3\xa4 HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"asterisk", "GET * HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"CONNECT", "CONNECT a:443 HTTP/1.1\r\nhost: a\r\n\r\n", 501},
      {"unknown scheme", "GET ftp://a/ HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"no authority", "GET http:///x HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"user information", "GET http://u:p@a/ HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"absolute target without host", "GET http://a/ HTTP/1.1\r\n\r\n", 400},
      {"two empty lines first", "\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"empty line of LF only", "\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"CR alone before the request", "\rGET / HTTP/1.1\r\nhost: a\r\n\r\n", 400},
      {"another protocol", "\x16\x03\x01\x02", 400},
  };
  for (const Refusal& refusal : cases) {
    const Parsed parsed = parse(refusal.text);
    EXPECT_EQ(parsed.state, ParseState::kFailed) << refusal.what;
    EXPECT_EQ(parsed.status, refusal.status) << refusal.what << ": " << parsed.reason;
  }
}

// RFC 9110 2.5.
TEST(RequestParserTest, TakesHigherMinorVersionsForItsHighest) {
  for (const std::string version : {"1.1", "1.2", "1.9"}) {
    const Parsed parsed = parse("POST / HTTP/" + version +
                                "\r\nhost: a\r\nexpect: 100-continue\r\n"
                                "transfer-encoding: chunked\r\n\r\n");
    ASSERT_EQ(parsed.state, ParseState::kDone) << version << ": " << parsed.reason;
    EXPECT_EQ(parsed.head.version, Version::kHttp11) << version;
    EXPECT_TRUE(parsed.control.keep_alive) << version;
    EXPECT_EQ(parsed.control.body.kind, BodyFraming::Kind::kChunked) << version;
    EXPECT_EQ(parsed.control.expectation, Expectation::kContinue) << version;
  }
}

struct Target {
  const char* line;
  const char* authority;
  const char* path;
};

TEST(RequestParserTest, ReadsTheFormsOfTargets) {
  const std::vector<Target> cases = {
      {"GET / HTTP/1.1", "field", "/"},
      {"GET //double?a=b|c{d}^[e] HTTP/1.1", "field", "//double?a=b|c{d}^[e]"},
      {"OPTIONS * HTTP/1.1", "field", "*"},
      {"GET http://abs.example HTTP/1.1", "abs.example", "/"},
      {"GET HTTP://abs.example:81/x?y HTTP/1.1", "abs.example:81", "/x?y"},
      {"GET https://abs.example?y HTTP/1.1", "abs.example", "/?y"},
      {"OPTIONS http://abs.example HTTP/1.1", "abs.example", "*"},
  };
  for (const Target& target : cases) {
    const Parsed parsed = parse(std::string(target.line) + "\r\nhost: field\r\n\r\n");
    ASSERT_EQ(parsed.state, ParseState::kDone) << target.line << ": " << parsed.reason;
    EXPECT_EQ(parsed.head.authority, target.authority) << target.line;
    EXPECT_EQ(parsed.head.path, target.path) << target.line;
  }
}

TEST(RequestParserTest, TakesTheBodysFramingFromTheFields) {
  EXPECT_EQ(parse(withFields("content-length: 0")).control.body.kind, BodyFraming::Kind::kNone);
  const Parsed length = parse(withFields("Content-Length: 000123"));
  EXPECT_EQ(length.control.body.kind, BodyFraming::Kind::kLength);
  EXPECT_EQ(length.control.body.length, 123u);
  EXPECT_EQ(length.head.headers.find("content-length"), "000123");
  const Parsed chunked = parse(withFields("Transfer-Encoding: Chunked"));
  EXPECT_EQ(chunked.control.body.kind, BodyFraming::Kind::kChunked);
  EXPECT_TRUE(chunked.head.headers.empty());
}

TEST(RequestParserTest, KeepsFieldsAboutTheConnectionOut) {
  const Parsed parsed = parse(
      withFields("connection: keep-alive, x\r\nkeep-alive: 5\r\nproxy-connection: x\r\nte: trailers"
                 "\r\nupgrade: websocket\r\nhttp2-settings: x\r\nexpect: 100-Continue\r\nx: kept"));
  ASSERT_EQ(parsed.state, ParseState::kDone);
  ASSERT_EQ(parsed.head.headers.size(), 1u);
  EXPECT_EQ(parsed.head.headers[0].name, "x");
  EXPECT_EQ(parsed.control.expectation, Expectation::kContinue);
}

TEST(RequestParserTest, ReportsUnknownExpectations) {
  EXPECT_EQ(parse(withFields("expect: 200-ok")).control.expectation, Expectation::kUnknown);
  EXPECT_EQ(parse(withFields("expect: 100-continue, x")).control.expectation,
            Expectation::kUnknown);
  EXPECT_EQ(parse("GET / HTTP/1.0\r\nexpect: x\r\n\r\n").control.expectation, Expectation::kNone);
}

TEST(RequestParserTest, KnowsWhetherTheConnectionLives) {
  EXPECT_TRUE(parse(withFields("x: y")).control.keep_alive);
  EXPECT_FALSE(parse(withFields("Connection: Close")).control.keep_alive);
  EXPECT_FALSE(parse(withFields("connection: keep-alive, ,close")).control.keep_alive);
  EXPECT_FALSE(parse("GET / HTTP/1.0\r\n\r\n").control.keep_alive);
  EXPECT_TRUE(parse("GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n").control.keep_alive);
}

TEST(RequestParserTest, ToleratesOneEmptyLineBeforeTheRequest) {
  const Parsed parsed = parse("\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n");
  EXPECT_EQ(parsed.state, ParseState::kDone);
}

TEST(RequestParserTest, HoldsItsLimitsExactly) {
  const HeadLimits limits{
      .max_start_line_bytes = 20, .max_header_bytes = 30, .max_header_count = 2};
  const auto withTarget = [](std::size_t bytes) {
    return "GET /" + std::string(bytes, 'x') + " HTTP/1.1\r\nhost: a\r\n\r\n";
  };
  EXPECT_EQ(parse(withTarget(6), limits).state, ParseState::kDone);
  EXPECT_EQ(parse(withTarget(7), limits).status, 414);
  EXPECT_EQ(parse(std::string(100, 'G'), limits).status, 414);

  const auto withValue = [](std::size_t bytes) {
    return "GET / HTTP/1.1\r\nhost: a\r\nx: " + std::string(bytes, 'v') + "\r\n\r\n";
  };
  // "host: a\r\n" has 9 bytes; of the limit's last line the CRLF does not count.
  EXPECT_EQ(parse(withValue(18), limits).state, ParseState::kDone);
  EXPECT_EQ(parse(withValue(19), limits).status, 431);
  EXPECT_EQ(parse(withValue(1000), limits).status, 431);
  EXPECT_EQ(parse("GET / HTTP/1.1\r\nhost: a\r\nb:\r\nc:\r\n\r\n", limits).status, 431);
}

TEST(RequestParserTest, HasStartedOnceAByteOfTheRequestCame) {
  RequestHead head;
  RequestParser parser({}, head);
  parser.start();
  parser.feed("\r\n");
  EXPECT_FALSE(parser.started());
  parser.feed("G");
  EXPECT_TRUE(parser.started());
  parser.start();
  parser.feed("\r");
  EXPECT_FALSE(parser.started());
  parser.feed("x");
  EXPECT_TRUE(parser.started());
}

struct Answer {
  ParseState state;
  ResponseHead head;
  HeadControl control;
};
Answer parseResponse(std::string_view text,
                     ResponseParser::RequestKind kind = ResponseParser::RequestKind::kOrdinary) {
  Answer answer;
  ResponseParser parser({}, answer.head);
  parser.start(kind);
  for (std::size_t i = 0; i < text.size() && parser.state() == ParseState::kMore; ++i) {
    parser.feed(text.substr(i, 1));
  }
  answer.state = parser.state();
  answer.control = parser.control();
  return answer;
}

TEST(ResponseParserTest, ReadsHeadsAndFraming) {
  const Answer plain = parseResponse("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX: y\r\n\r\n");
  ASSERT_EQ(plain.state, ParseState::kDone);
  EXPECT_EQ(plain.head.status, 200);
  EXPECT_EQ(plain.head.headers.find("x"), "y");
  EXPECT_EQ(plain.control.body.length, 5u);

  EXPECT_EQ(parseResponse("HTTP/1.1 200\r\n\r\n").control.body.kind,
            BodyFraming::Kind::kUntilClose);
  EXPECT_FALSE(parseResponse("HTTP/1.1 200\r\n\r\n").control.keep_alive);
  EXPECT_EQ(parseResponse("HTTP/1.1 404 Not \xc3\xa4\r\ntransfer-encoding: chunked\r\n\r\n")
                .control.body.kind,
            BodyFraming::Kind::kChunked);
  EXPECT_EQ(parseResponse("HTTP/1.1 204 No Content\r\ncontent-length: 7\r\n\r\n").control.body.kind,
            BodyFraming::Kind::kNone);
  EXPECT_EQ(parseResponse("HTTP/1.1 304 Not Modified\r\n\r\n").control.body.kind,
            BodyFraming::Kind::kNone);
  EXPECT_EQ(parseResponse("HTTP/1.1 100 Continue\r\n\r\n").control.body.kind,
            BodyFraming::Kind::kNone);
  EXPECT_TRUE(parseResponse("HTTP/1.2 200\r\ncontent-length: 5\r\n\r\n").control.keep_alive);
  const Answer head = parseResponse("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n",
                                    ResponseParser::RequestKind::kHead);
  EXPECT_EQ(head.control.body.kind, BodyFraming::Kind::kNone);
  EXPECT_EQ(head.control.content_length, 5u);
}

TEST(ResponseParserTest, RefusesWhatIsNotAResponse) {
  for (const char* text :
       {"HTTP/2 200\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1\r\n\r\n", "HTTP/1.1 20\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 600 X\r\n\r\n", "HTTP/1.1 099 X\r\n\r\n",
        "HTTP/1.1 20x OK\r\n\r\n", "\r\nHTTP", "ICY 200 OK\r\n", "HTTP/1.1 200 O\x01K\r\n\r\n",
        "HTTP/1.1 200 OK\n\r\n", "HTTP/1.1 200 OK\r\nx : y\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx: y\r\n z\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n"}) {
    EXPECT_EQ(parseResponse(text).state, ParseState::kFailed) << text;
  }
}

}  // namespace
}  // namespace nimbus::http
