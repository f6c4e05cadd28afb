#pragma once

#include <cstddef>
#include <memory>
#include <optional>

#include "base/byte_chain.h"
#include "base/result.h"
#include "base/task.h"
#include "net/stream.h"
#include "wrpc/byte_budget.h"
#include "wrpc/channel_table.h"
#include "wrpc/frame.h"
#include "wrpc/measuring_budget.h"
#include "wrpc/receive_buffer.h"

namespace nimbus::wrpc {

// The receiving direction of one framed connection: the header if this is the server's side, then
// the root, then whatever else comes. Its calls are made in that order, one at a time. What arrives
// for sub-channels goes to the table at all times.
//
// Errors: kProtocol (the peer broke the dialect, finished where it must not, or broke off),
// kResourceExhausted (a limit), kCancelled (the stream was closed on this side, or by a peer that
// only wanted to know whether somebody listens).
class FrameInput {
 public:
  // `stream` and `channels` outlive it. The root counts in `budget`, which may be null, as long as
  // this lives, or until rootTaken().
  FrameInput(net::Stream& stream, ChannelTable& channels, std::size_t max_root_bytes,
             std::size_t read_ahead_bytes, std::shared_ptr<ByteBudget> budget);

  [[nodiscard]] Task<Result<InvocationHeader>> header();

  // The tuple. Without a shape it is complete when a sub-channel begins or the peer has finished.
  [[nodiscard]] Task<Result<ByteChain>> root(std::shared_ptr<const TupleShape> shape);
  [[nodiscard]] Task<Result<ByteChain>> root(const TupleShape* shape);

  // It is its taker's affair now, and counts no more.
  void rootTaken() { held_.releaseAll(); }

  // The rest, for the table, which is finished or failed at the end: receives as long as it wants
  // more. Returns what the table was told.
  [[nodiscard]] Task<Result<void>> rest();

  // The peer has finished sending, properly.
  [[nodiscard]] bool ended() const { return ended_; }
  // Everything that has been received was whole frames, and has been taken.
  [[nodiscard]] bool idle() { return buffer_.unread().empty() && parser_.betweenFrames(); }
  [[nodiscard]] std::uint64_t receivedBytes() const { return received_bytes_; }

 private:
  using Part = FrameParser::Part;
  enum class Root : std::uint8_t { kMore, kComplete };

  [[nodiscard]] bool started() const { return received_bytes_ > 0; }
  [[nodiscard]] Task<Result<void>> receive();
  [[nodiscard]] Result<Root> parseRoot(const TupleShape* shape);
  [[nodiscard]] Result<void> addToRoot(const Part& part);
  // Whether the root may take `count` more bytes, and what its frame still announces.
  [[nodiscard]] Result<void> checkRoot(std::size_t count) const;
  [[nodiscard]] Result<Root> measure(const TupleShape& shape);
  [[nodiscard]] Result<Root> rootAtEnd(const TupleShape* shape);
  [[nodiscard]] Task<Result<void>> parseRest();
  [[nodiscard]] Result<void> deliver(const Part& part);

  net::Stream& stream_;
  ChannelTable& channels_;
  const std::size_t max_root_bytes_;
  ReceiveBuffer buffer_;
  FrameParser parser_;
  std::uint64_t received_bytes_ = 0;
  bool ended_ = false;

  ByteChain root_;
  bool unmeasured_ = false;  // frames of the root have come since it was measured
  MeasuringBudget measuring_;
  ByteBudget::Share held_;
};

}  // namespace nimbus::wrpc
