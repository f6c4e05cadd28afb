#include "wrpc/frame_input.h"

#include <utility>

#include <fmt/format.h>

namespace nimbus::wrpc {
namespace {

constexpr std::string_view kTooManyValues = "the peer sent more values than there are";

}  // namespace

FrameInput::FrameInput(net::Stream& stream, ChannelTable& channels, std::size_t max_root_bytes,
                       std::size_t read_ahead_bytes, std::shared_ptr<ByteBudget> budget)
    : stream_(stream),
      channels_(channels),
      max_root_bytes_(max_root_bytes),
      buffer_(read_ahead_bytes),
      measuring_(max_root_bytes),
      held_(std::move(budget)) {}

Task<Result<void>> FrameInput::receive() {
  auto count = co_await buffer_.fill(stream_);
  if (!count && count.error().code() == ErrorCode::kIo) {
    co_return fail(ErrorCode::kProtocol, "the peer broke off", std::move(count).error());
  }
  if (!count) co_return std::unexpected(std::move(count).error());
  received_bytes_ += *count;
  ended_ = *count == 0;
  co_return Result<void>{};
}

Task<Result<InvocationHeader>> FrameInput::header() {
  HeaderParser parser;
  for (;;) {
    CO_TRY(const bool done, parser.parse(buffer_.unread()));
    if (done) co_return parser.take();
    CO_TRY_VOID(co_await receive());
    if (!ended_) continue;
    if (!started()) co_return fail(ErrorCode::kCancelled, "the peer finished without a word");
    co_return fail(ErrorCode::kProtocol, "the peer finished within the header");
  }
}

Task<Result<ByteChain>> FrameInput::root(std::shared_ptr<const TupleShape> shape) {
  co_return co_await root(shape.get());
}

Task<Result<ByteChain>> FrameInput::root(const TupleShape* shape) {
  for (;;) {
    CO_TRY(const Root parsed, parseRoot(shape));
    if (parsed == Root::kComplete) break;
    CO_TRY_VOID(co_await receive());
    if (!ended_) continue;
    CO_TRY_VOID(rootAtEnd(shape));
    break;
  }
  co_return std::move(root_);
}

// Stops behind the frame that completes the root: that which follows may be more than the table
// wants now.
Result<FrameInput::Root> FrameInput::parseRoot(const TupleShape* shape) {
  for (;;) {
    TRY(const std::optional<Part> part, parser_.next(buffer_.unread()));
    if (!part) {
      TRY_VOID(checkRoot(0));
      break;
    }
    if (!part->path.empty()) {
      TRY_VOID(deliver(*part));
      if (shape == nullptr && !part->data.empty()) return Root::kComplete;
      continue;
    }
    TRY_VOID(addToRoot(*part));
    if (!part->last || shape == nullptr) continue;
    // Else it is measured when nothing more has arrived.
    if (!measuring_.isEager(root_.size())) continue;
    TRY(const Root measured, measure(*shape));
    if (measured == Root::kComplete) return measured;
  }
  // Without any frame of it even an empty root is not complete: its sender has not sent all yet.
  if (shape == nullptr || !parser_.betweenFrames() || !unmeasured_) return Root::kMore;
  return measure(*shape);
}

Result<void> FrameInput::checkRoot(std::size_t count) const {
  const std::size_t room = max_root_bytes_ - root_.size();
  if (count <= room && parser_.rootToCome() <= room - count) return {};
  return fail(ErrorCode::kResourceExhausted,
              fmt::format("the values take more than {} bytes", max_root_bytes_));
}

Result<void> FrameInput::addToRoot(const Part& part) {
  TRY_VOID(checkRoot(part.data.size()));
  if (!held_.hold(part.data.size())) {
    return fail(ErrorCode::kResourceExhausted, "the values take more than is left for all calls");
  }
  if (Bytes shared = buffer_.share(part.data); !shared.empty()) {
    root_.append(std::move(shared));
  } else {
    root_.append(part.data);
  }
  unmeasured_ |= part.last;
  return {};
}

Result<FrameInput::Root> FrameInput::measure(const TupleShape& shape) {
  unmeasured_ = false;
  TRY_VOID(measuring_.spend(root_.size()));
  TRY(const std::optional<std::size_t> size, shape.measure(root_));
  if (!size) return Root::kMore;
  if (*size == root_.size()) return Root::kComplete;
  return fail(ErrorCode::kProtocol,
              fmt::format("the values take {} bytes, but {} came", *size, root_.size()));
}

Result<FrameInput::Root> FrameInput::rootAtEnd(const TupleShape* shape) {
  if (!parser_.betweenFrames()) {
    return fail(ErrorCode::kProtocol, "the peer finished in the middle of a frame");
  }
  if (shape == nullptr) return Root::kComplete;
  TRY(const Root measured, measure(*shape));
  if (measured == Root::kComplete) return measured;
  return fail(
      ErrorCode::kProtocol,
      started() ? fmt::format("the peer finished after {} bytes of incomplete values", root_.size())
                : "the peer finished without a word");
}

// Data for a sub-channel, or more of a root that was complete.
Result<void> FrameInput::deliver(const Part& part) {
  if (part.path.empty()) {
    if (part.data.empty()) return {};
    return fail(ErrorCode::kProtocol, std::string(kTooManyValues));
  }
  if (Bytes shared = buffer_.share(part.data); !shared.empty()) {
    return channels_.push(part.path, std::move(shared));
  }
  return channels_.push(part.path, part.data);
}

Task<Result<void>> FrameInput::parseRest() {
  while (!ended_) {
    for (;;) {
      if (!channels_.wantsMore()) co_await channels_.room();
      CO_TRY(const std::optional<Part> part, parser_.next(buffer_.unread()));
      if (!part) break;
      CO_TRY_VOID(deliver(*part));
    }
    if (parser_.rootToCome() > 0) co_return fail(ErrorCode::kProtocol, std::string(kTooManyValues));
    CO_TRY_VOID(co_await receive());
  }
  if (!parser_.betweenFrames()) {
    co_return fail(ErrorCode::kProtocol, "the peer finished in the middle of a frame");
  }
  co_return Result<void>{};
}

Task<Result<void>> FrameInput::rest() {
  auto result = co_await parseRest();
  if (result) {
    channels_.finish();
  } else {
    channels_.fail(result.error());
  }
  co_return result;
}

}  // namespace nimbus::wrpc
