#include "wrpc/stream_decoder.h"

#include <algorithm>

namespace nimbus::wrpc {

void StreamDecoder<std::uint8_t>::append(ByteChain bytes) {
  for (std::size_t i = 0; i < bytes.pieceCount(); ++i) pieces_.push_back(bytes.sharePiece(i));
}

StreamStep<Bytes> StreamDecoder<std::uint8_t>::next() {
  using Step = Result<std::optional<Bytes>>;
  if (ended_) return Step(std::nullopt);
  while (!pieces_.empty()) {
    Bytes& front = pieces_.front();
    if (front.empty()) {
      pieces_.pop_front();
      continue;
    }
    if (list_left_ > 0) {
      const std::size_t count = std::min(list_left_, front.size());
      Bytes chunk = front.slice(0, count);
      front = front.slice(count, front.size() - count);
      list_left_ -= count;
      return Step(std::move(chunk));
    }
    const LebState state = length_.push(front.view()[0]);
    front = front.slice(1, front.size() - 1);
    if (state == LebState::kMore) continue;
    if (state == LebState::kWrong)
      return Step(fail(ErrorCode::kProtocol, "the length of a piece of a stream is wrong"));
    list_left_ = length_.value();
    length_.reset();
    if (list_left_ > 0) continue;
    ended_ = true;
    return Step(std::nullopt);
  }
  return std::nullopt;
}

}  // namespace nimbus::wrpc
