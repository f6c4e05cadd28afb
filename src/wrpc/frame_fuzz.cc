// A framed connection's bytes: a header, then frames. However they are cut, the same comes out, and
// what comes out is what went in.
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "base/bytes.h"
#include "base/check.h"
#include "wrpc/frame.h"

namespace nimbus::wrpc {
namespace {

struct Outcome {
  bool header = false;
  InvocationHeader names;
  std::map<IndexPath, std::string> data;
  std::size_t data_bytes = 0;
  std::string error;
  bool between_frames = false;
  friend bool operator==(const Outcome& a, const Outcome& b) {
    return a.header == b.header && a.names.instance == b.names.instance &&
           a.names.function == b.names.function && a.data == b.data && a.error == b.error &&
           a.between_frames == b.between_frames;
  }
};

bool takeFrames(FrameParser& parser, ByteView& piece, Outcome& outcome) {
  for (;;) {
    auto part = parser.next(piece);
    if (!part) {
      outcome.error = part.error().message();
      return false;
    }
    if (!*part) return true;
    NIMBUS_CHECK((**part).path.size() <= kMaxFramePathDepth);
    outcome.data[(**part).path] += asText((**part).data);
    outcome.data_bytes += (**part).data.size();
  }
}

Outcome parse(ByteView input, std::size_t piece_bytes) {
  Outcome outcome;
  HeaderParser header;
  FrameParser frames;
  while (!input.empty()) {
    ByteView piece = input.first(std::min(piece_bytes, input.size()));
    input = input.subspan(piece.size());
    if (!outcome.header) {
      const auto done = header.parse(piece);
      if (!done) {
        outcome.error = done.error().message();
        return outcome;
      }
      if (!*done) continue;
      outcome.header = true;
      outcome.names = header.take();
    }
    if (!takeFrames(frames, piece, outcome)) return outcome;
  }
  outcome.between_frames = frames.betweenFrames();
  return outcome;
}

// What was read, written again and read again, is the same.
void checkWriter(const Outcome& outcome) {
  const auto header = encodeHeader({outcome.names.instance, outcome.names.function});
  std::string written(header.begin(), header.end());
  for (const auto& [path, data] : outcome.data) {
    const FrameHead head(path, static_cast<std::uint32_t>(data.size()));
    written += asText(head.view());
    written += data;
  }
  const Outcome again = parse(asBytes(written), written.size());
  NIMBUS_CHECK(again.header && again.error.empty() && again.between_frames);
  NIMBUS_CHECK(again.data == outcome.data);
}

void check(ByteView input) {
  const Outcome whole = parse(input, input.size() + 1);
  NIMBUS_CHECK(whole.data_bytes <= input.size());
  for (const std::size_t piece : {std::size_t{1}, std::size_t{7}}) {
    NIMBUS_CHECK(parse(input, piece) == whole);
  }
  if (whole.header && whole.error.empty()) checkWriter(whole);
}

}  // namespace
}  // namespace nimbus::wrpc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nimbus::wrpc::check({data, size});
  return 0;
}
