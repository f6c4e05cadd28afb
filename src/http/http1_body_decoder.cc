#include "http/http1_body_decoder.h"

#include <algorithm>
#include <cstdint>

#include "base/text.h"

namespace nimbus::http {
namespace {

// Size and extensions of one chunk, and the extensions of all chunks of one message: nobody needs
// extensions, and unbounded ones let a peer send much that counts as nothing.
constexpr std::size_t kMaxChunkLineBytes = 256;
constexpr std::size_t kMaxExtensionBytes = 16 * 1024;
constexpr std::size_t kMaxSizeDigits = 16;

std::size_t tokenEnd(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && isToken(text.substr(end, 1))) ++end;
  return end;
}

// The index after a quoted-string that begins at `from`, or npos.
std::size_t quotedEnd(std::string_view text, std::size_t from) {
  for (std::size_t i = from + 1; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\' && ++i == text.size()) break;
    if ((byte < 0x20 && byte != '\t') || byte == 0x7f) break;
    const auto escaped = static_cast<unsigned char>(text[i]);
    if ((escaped < 0x20 && escaped != '\t') || escaped == 0x7f) break;
  }
  return std::string_view::npos;
}

// RFC 9112 7.1.1: *( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )
bool isChunkExtensions(std::string_view text, BodyDecoder::BadWhiteSpace bad_white_space) {
  const auto skip_blanks = [&](std::size_t at) {
    if (bad_white_space == BodyDecoder::BadWhiteSpace::kRefused) return at;
    return std::min(text.find_first_not_of(" \t", at), text.size());
  };
  std::size_t at = 0;
  while (at < text.size()) {
    at = skip_blanks(at);
    if (at == text.size() || text[at] != ';') return false;
    const std::size_t name = skip_blanks(at + 1);
    at = tokenEnd(text, name);
    if (at == name) return false;
    const std::size_t equals = skip_blanks(at);
    if (equals == text.size() || text[equals] != '=') continue;
    const std::size_t value = skip_blanks(equals + 1);
    const bool quoted = value < text.size() && text[value] == '"';
    at = quoted ? quotedEnd(text, value) : tokenEnd(text, value);
    if (at == std::string_view::npos || at == value) return false;
  }
  return true;
}

}  // namespace

void BodyDecoder::start(const BodyFraming& framing) {
  lines_.reset();
  kind_ = framing.kind;
  const bool nothing = kind_ == BodyFraming::Kind::kNone ||
                       (kind_ == BodyFraming::Kind::kLength && framing.length == 0);
  state_ = nothing ? ParseState::kDone : ParseState::kMore;
  stage_ = kind_ == BodyFraming::Kind::kChunked ? Stage::kChunkSize : Stage::kData;
  remaining_ = kind_ == BodyFraming::Kind::kLength ? framing.length : 0;
  received_ = 0;
  extension_bytes_ = 0;
  trailer_bytes_ = 0;
  trailers_.clear();
  failure_ = {};
}

void BodyDecoder::refuse(std::string_view reason) {
  state_ = ParseState::kFailed;
  failure_ = reason;
}

BodyDecoder::Piece BodyDecoder::feed(std::string_view bytes) {
  if (state_ != ParseState::kMore || bytes.empty()) return {0, {}};
  if (stage_ == Stage::kData || stage_ == Stage::kChunkData) return data(bytes);
  const LineCutter::Cut cut = lines_.cut(bytes, lineLimit());
  switch (cut.outcome) {
    case LineCutter::Outcome::kMore: break;
    case LineCutter::Outcome::kBareFeed: refuse("line ends without CR"); break;
    case LineCutter::Outcome::kTooLong:
      refuse(stage_ == Stage::kTrailers   ? "trailer fields too large"
             : stage_ == Stage::kChunkEnd ? "chunk longer than its size"
                                          : "chunk size line too long");
      break;
    case LineCutter::Outcome::kLine:
      if (stage_ == Stage::kChunkSize) {
        chunkSizeLine(cut.line);
      } else if (stage_ == Stage::kChunkEnd) {
        chunkEndLine(cut.line);
      } else {
        trailerLine(cut.line);
      }
      break;
  }
  return {cut.consumed, {}};
}

BodyDecoder::Piece BodyDecoder::data(std::string_view bytes) {
  if (kind_ == BodyFraming::Kind::kUntilClose) {
    received_ += bytes.size();
    return {bytes.size(), bytes};
  }
  const std::size_t count = std::min<std::uint64_t>(bytes.size(), remaining_);
  remaining_ -= count;
  received_ += count;
  if (remaining_ == 0) {
    if (stage_ == Stage::kChunkData) {
      stage_ = Stage::kChunkEnd;
    } else {
      state_ = ParseState::kDone;
    }
  }
  return {count, bytes.substr(0, count)};
}

std::size_t BodyDecoder::lineLimit() const {
  switch (stage_) {
    case Stage::kChunkSize: return kMaxChunkLineBytes;
    case Stage::kTrailers:
      return limits_.max_header_bytes - std::min(trailer_bytes_, limits_.max_header_bytes);
    default: return 0;
  }
}

void BodyDecoder::chunkSizeLine(std::string_view line) {
  std::uint64_t size = 0;
  std::size_t digits = 0;
  while (digits < line.size() && hexDigit(line[digits]) >= 0) {
    if (digits == kMaxSizeDigits) return refuse("chunk size too large");
    size = size << 4 | static_cast<std::uint64_t>(hexDigit(line[digits]));
    ++digits;
  }
  if (digits == 0) return refuse("invalid chunk size");
  // The sum of all chunks must be countable too.
  if (size > std::uint64_t(INT64_MAX) - received_) return refuse("chunk size too large");
  const std::string_view extensions = line.substr(digits);
  if (!isChunkExtensions(extensions, bad_white_space_)) return refuse("invalid chunk size");
  extension_bytes_ += extensions.size();
  if (extension_bytes_ > kMaxExtensionBytes) return refuse("chunk extensions too large");
  remaining_ = size;
  stage_ = size == 0 ? Stage::kTrailers : Stage::kChunkData;
}

void BodyDecoder::chunkEndLine(std::string_view) {
  // The limit of this stage lets only an empty line through.
  stage_ = Stage::kChunkSize;
}

void BodyDecoder::trailerLine(std::string_view line) {
  if (line.empty()) {
    state_ = ParseState::kDone;
    return;
  }
  trailer_bytes_ += line.size() + 2;
  const FieldLine field = parseFieldLine(line);
  if (!field.problem.empty()) return refuse(field.problem);
  if (classifyField(field.name) != FieldKind::kOrdinary) return refuse("forbidden trailer field");
  if (trailers_.size() == limits_.max_header_count) return refuse("too many trailer fields");
  trailers_.add(field.name, field.value);
}

void BodyDecoder::endOfInput() {
  if (state_ != ParseState::kMore) return;
  if (kind_ == BodyFraming::Kind::kUntilClose) {
    state_ = ParseState::kDone;
  } else {
    refuse("the connection ended in the middle of the content");
  }
}

}  // namespace nimbus::http
