#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "http/http1_fields.h"
#include "http/message.h"

namespace nimbus::http {

enum class ParseState { kMore, kDone, kFailed };

// Why a message was refused.
struct ParseFailure {
  std::uint16_t status = 400;  // what a server answers
  std::string_view reason;     // static text
};

struct HeadLimits {
  std::size_t max_start_line_bytes = 16 * 1024;
  std::size_t max_header_bytes = 64 * 1024;  // all field lines together
  std::size_t max_header_count = 256;
};

// Where a message's content ends (RFC 9112 6.3).
struct BodyFraming {
  enum class Kind { kNone, kLength, kChunked, kUntilClose };
  Kind kind = Kind::kNone;
  std::uint64_t length = 0;  // kLength
};

enum class Expectation { kNone, kContinue, kUnknown };

// What a head says to the connection rather than to its user.
struct HeadControl {
  BodyFraming body;
  std::optional<std::uint64_t> content_length;  // as the head has it, whatever the framing
  bool keep_alive = true;
  Expectation expectation = Expectation::kNone;
};

// Reads heads of HTTP/1.1 and 1.0 messages as bytes arrive (RFC 9112), strictly: whatever another
// implementation might read differently is refused. The result does not depend on how the bytes
// are cut into pieces, and no byte is scanned twice. Fields about the connection (connection,
// keep-alive, proxy-connection, te, transfer-encoding, upgrade, http2-settings, expect) end up in
// control(), all others in the message's headers.
//
//   parser.start(); … used = parser.feed(bytes); if (parser.state() == ParseState::kDone) …
class HeadParser {
 public:
  explicit HeadParser(const HeadLimits& limits) : limits_(limits) {}
  HeadParser(const HeadParser&) = delete;
  HeadParser& operator=(const HeadParser&) = delete;
  virtual ~HeadParser() = default;

  // Takes bytes up to the end of the head; returns how many. What follows is content.
  std::size_t feed(std::string_view bytes);

  [[nodiscard]] ParseState state() const { return state_; }
  // A byte of the message was seen (an empty line before it does not count).
  [[nodiscard]] bool started() const { return started_; }
  [[nodiscard]] const ParseFailure& failure() const { return failure_; }
  [[nodiscard]] const HeadControl& control() const { return control_; }

  // Between messages: gives memory back.
  void releaseMemory() { lines_.release(); }

 protected:
  void restart();
  bool refuse(std::uint16_t status, std::string_view reason);

  virtual bool startLine(std::string_view line) = 0;
  virtual bool finish() = 0;
  // An empty line where a start line is expected.
  virtual bool allowsEmptyLine() = 0;
  virtual bool hostField(std::string_view value) = 0;
  virtual Headers& headers() = 0;
  [[nodiscard]] virtual std::string_view firstCharacterProblem(char first) const = 0;

  HeadControl control_;
  Version version_ = Version::kHttp11;
  bool transfer_encoding_ = false;

 private:
  enum class Stage { kStartLine, kFields };

  [[nodiscard]] std::size_t lineLimit() const;
  void onLine(std::string_view line);
  bool fieldLine(std::string_view line);
  bool connectionField(FieldKind kind, const FieldLine& field);
  bool connectionOptions(std::string_view value);
  bool contentLength(std::string_view value);
  bool transferEncoding(std::string_view value);
  bool finishFields();

  const HeadLimits limits_;
  LineCutter lines_;
  Stage stage_ = Stage::kStartLine;
  ParseState state_ = ParseState::kMore;
  bool started_ = false;
  bool says_close_ = false;
  bool says_keep_alive_ = false;
  std::size_t field_bytes_ = 0;
  std::size_t field_count_ = 0;
  ParseFailure failure_;
};

// Parses into the RequestHead it was made with (scheme stays as it is; `host` becomes
// `authority`).
class RequestParser final : public HeadParser {
 public:
  RequestParser(const HeadLimits& limits, RequestHead& head) : HeadParser(limits), head_(head) {}
  // Clears the head and expects the next one.
  void start();

 private:
  bool startLine(std::string_view line) override;
  bool finish() override;
  bool allowsEmptyLine() override;
  bool hostField(std::string_view value) override;
  Headers& headers() override { return head_.headers; }
  [[nodiscard]] std::string_view firstCharacterProblem(char first) const override;
  bool target(std::string_view text);
  bool absoluteTarget(std::string_view text);

  RequestHead& head_;
  bool empty_line_seen_ = false;
  bool absolute_ = false;
  bool host_seen_ = false;
};

// Parses into the ResponseHead it was made with. Informational (1xx) heads come out like others:
// start() again for what follows.
class ResponseParser final : public HeadParser {
 public:
  enum class RequestKind { kOrdinary, kHead };

  ResponseParser(const HeadLimits& limits, ResponseHead& head) : HeadParser(limits), head_(head) {}
  // `request`: a response to HEAD has no content whatever its fields say.
  void start(RequestKind request);
  [[nodiscard]] Version version() const { return version_; }

 private:
  bool startLine(std::string_view line) override;
  bool finish() override;
  bool allowsEmptyLine() override { return false; }
  bool hostField(std::string_view) override { return true; }
  Headers& headers() override { return head_.headers; }
  [[nodiscard]] std::string_view firstCharacterProblem(char first) const override;

  ResponseHead& head_;
  RequestKind request_ = RequestKind::kOrdinary;
};

}  // namespace nimbus::http
