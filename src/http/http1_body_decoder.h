#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "http/http1_parser.h"

namespace nimbus::http {

// Takes the framing off the content of an HTTP/1 message as bytes arrive: nothing, a known length,
// chunks with trailers, or everything until the connection ends. Strict as HeadParser is: chunk
// extensions must be well formed and are bounded in length, per line and in sum; trailer fields
// that could change the framing are refused.
class BodyDecoder {
 public:
  // White space around chunk extensions, which a recipient must accept (RFC 9112 7.1.1). We do so
  // of servers only: in requests, what others may read differently is a way to smuggle one.
  enum class BadWhiteSpace { kRefused, kAccepted };

  explicit BodyDecoder(const HeadLimits& trailer_limits,
                       BadWhiteSpace bad_white_space = BadWhiteSpace::kRefused)
      : limits_(trailer_limits), bad_white_space_(bad_white_space) {}
  BodyDecoder(const BodyDecoder&) = delete;
  BodyDecoder& operator=(const BodyDecoder&) = delete;

  void start(const BodyFraming& framing);

  // Content found, a part of `bytes` (may be empty), and how many bytes were taken for it. Takes
  // at least one unless the content is at its end or refused; call again with the rest.
  struct Piece {
    std::size_t consumed;
    std::string_view content;
  };
  Piece feed(std::string_view bytes);
  // No more bytes will come: the end for kUntilClose, a failure where something is missing.
  void endOfInput();

  // Between messages: gives memory back.
  void releaseMemory() {
    lines_.release();
    trailers_.release();
  }

  [[nodiscard]] ParseState state() const { return state_; }
  [[nodiscard]] std::string_view failureReason() const { return failure_; }
  // Content bytes so far.
  [[nodiscard]] std::uint64_t received() const { return received_; }
  // Bytes that must still come: of the whole content if its length is known, else of the chunk.
  [[nodiscard]] std::uint64_t remaining() const { return remaining_; }
  [[nodiscard]] const Headers& trailers() const { return trailers_; }

 private:
  enum class Stage { kData, kChunkSize, kChunkData, kChunkEnd, kTrailers };

  Piece data(std::string_view bytes);
  void chunkSizeLine(std::string_view line);
  void chunkEndLine(std::string_view line);
  void trailerLine(std::string_view line);
  [[nodiscard]] std::size_t lineLimit() const;
  void refuse(std::string_view reason);

  const HeadLimits limits_;
  const BadWhiteSpace bad_white_space_;
  LineCutter lines_;
  BodyFraming::Kind kind_ = BodyFraming::Kind::kNone;
  Stage stage_ = Stage::kData;
  ParseState state_ = ParseState::kDone;
  std::uint64_t remaining_ = 0;
  std::uint64_t received_ = 0;
  std::size_t extension_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
  Headers trailers_;
  std::string_view failure_;
};

}  // namespace nimbus::http
