#include "wrpc/frame_output.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace nimbus::wrpc {

namespace {

// Data up to this size is copied behind its head; more goes out from where it lies.
constexpr std::size_t kGatherBytes = 8 * 1024;
constexpr std::size_t kMaxFrameBytes = std::numeric_limits<std::uint32_t>::max();

}  // namespace

// One writer at a time, in the order in which they came.
class FrameOutput::Turn {
 public:
  explicit Turn(FrameOutput& output) : output_(output) { output_.busy_ = true; }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    output_.busy_ = false;
    output_.gathered_.clear();
    output_.pieces_.clear();
    output_.free_.set();
  }

 private:
  FrameOutput& output_;
};

Task<Result<void>> FrameOutput::begin(std::vector<std::uint8_t> header, ByteChain root) {
  if (root.size() > kMaxFrameBytes) {
    co_return fail(ErrorCode::kResourceExhausted, "values of more than 4 GiB in one call");
  }
  const Turn turn(*this);
  gathered_ = std::move(header);
  append({}, root, 0, root.size());
  co_return co_await flush();
}

Task<Result<void>> FrameOutput::write(IndexPath path, ByteChain data) {
  if (data.empty()) co_return Result<void>{};
  while (busy_) {
    free_.clear();
    co_await free_.wait();
  }
  const Turn turn(*this);
  for (std::size_t offset = 0; offset < data.size(); offset += kMaxFrameBytes) {
    append(path, data, offset, std::min(data.size() - offset, kMaxFrameBytes));
    CO_TRY_VOID(co_await flush());
  }
  co_return Result<void>{};
}

// A frame of `count` bytes of the data from `offset` on.
void FrameOutput::append(const IndexPath& path, const ByteChain& data, std::size_t offset,
                         std::size_t count) {
  const FrameHead head(path, static_cast<std::uint32_t>(count));
  gathered_.insert(gathered_.end(), head.view().begin(), head.view().end());
  const bool gather = count <= kGatherBytes;
  for (std::size_t i = 0; i < data.pieceCount() && count > 0; ++i) {
    ByteView piece = data.piece(i);
    const std::size_t skipped = std::min(offset, piece.size());
    offset -= skipped;
    piece = piece.subspan(skipped, std::min(piece.size() - skipped, count));
    count -= piece.size();
    if (gather) {
      gathered_.insert(gathered_.end(), piece.begin(), piece.end());
    } else if (!piece.empty()) {
      pieces_.push_back(piece);
    }
  }
  pieces_.insert(pieces_.begin(), ByteView(gathered_));
}

Task<Result<void>> FrameOutput::flush() {
  std::span<ByteView> rest(pieces_);
  while (!rest.empty()) {
    CO_TRY(std::size_t taken, stream_.tryWritePieces(rest));
    written_bytes_ += taken;
    if (taken == 0) CO_TRY_VOID(co_await stream_.writable());
    while (!rest.empty() && taken >= rest.front().size()) {
      taken -= rest.front().size();
      rest = rest.subspan(1);
    }
    if (!rest.empty()) rest.front() = rest.front().subspan(taken);
  }
  gathered_.clear();
  pieces_.clear();
  co_return Result<void>{};
}

}  // namespace nimbus::wrpc
