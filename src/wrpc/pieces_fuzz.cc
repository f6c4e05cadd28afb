// What arrives in pieces: however a peer cuts it, the same comes out of it. The first byte says
// what the rest is: frames with some parameters, or the lists of a stream.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "net/shard.h"
#include "wrpc/codec.h"
#include "wrpc/frame_input.h"
#include "wrpc/future.h"
#include "wrpc/stream.h"
#include "wrpc/test_cut_stream.h"
#include "wrpc/tuple_shape.h"

namespace nimbus::wrpc {
namespace {

// What came out, and how it ended. Which of several errors is found first depends on the cuts.
struct Outcome {
  std::string values;
  std::map<IndexPath, std::string> channels;
  bool whole = false;
  // A peer may be refused for its cuts alone.
  bool refused = false;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

void note(Outcome& outcome, const Error& error) {
  outcome.refused = error.code() == ErrorCode::kResourceExhausted;
}

void check(const Outcome& whole, const Outcome& cut) {
  if (whole.refused || cut.refused) return;
  NIMBUS_CHECK(whole.whole == cut.whole);
  if (whole.whole) NIMBUS_CHECK(whole == cut);
}

using Params = KnownShape;

const TupleShape& shapeOf(std::uint8_t kind) {
  static const Params texts(kTupleFacts<std::vector<std::string>, std::uint32_t>);
  static const Params streams(
      kTupleFacts<std::uint64_t, StreamReader<std::uint8_t>, StreamReader<std::string>>);
  static const Params futures(kTupleFacts<std::optional<std::string>, FutureReader<std::string>>);
  return kind == 0 ? static_cast<const TupleShape&>(texts) : kind == 1 ? streams : futures;
}

Task<void> drain(std::unique_ptr<ByteSource> source, std::string& into) {
  for (;;) {
    auto piece = co_await source->read();
    if (!piece || !*piece) co_return;
    into += (*piece)->toBytes().text();
  }
}

Task<void> readFrames(net::Shard& shard, ByteView bytes, std::size_t piece_bytes,
                      const TupleShape& shape, Outcome& outcome) {
  CutStream stream(bytes, piece_bytes);
  const ChannelLimits limits{.max_channels = 8};
  ChannelTable channels(shard, limits);
  FrameInput input(stream, channels, 4096, 256, nullptr);
  auto root = co_await input.root(&shape);
  if (!root) co_return note(outcome, root.error());
  NIMBUS_CHECK(root->size() <= bytes.size());
  outcome.values = root->toBytes().text();
  const std::vector<IndexPath> paths = {{1}, {2}};
  TaskSet readers;
  for (const IndexPath& path : paths) {
    if (auto source = channels.take(path)) {
      readers.spawn(drain(std::move(source), outcome.channels[path]));
    }
  }
  const auto rest = co_await input.rest();
  co_await readers.empty();
  outcome.whole = rest.has_value();
  if (!rest) note(outcome, rest.error());
}

// The elements of a stream, or why there are no more.
template <typename T>
Outcome readStream(ByteView bytes, std::size_t piece_bytes) {
  Outcome outcome;
  StreamDecoder<T> decoder;
  while (true) {
    auto step = decoder.next();
    if (!step) {
      if (bytes.empty()) return outcome;
      const std::size_t count = std::min(bytes.size(), piece_bytes);
      decoder.append(ByteChain(Bytes::copyOf(bytes.first(count))));
      bytes = bytes.subspan(count);
      continue;
    }
    if (!*step) {
      note(outcome, step->error());
      return outcome;
    }
    if (!**step) {
      outcome.whole = true;
      return outcome;
    }
    if constexpr (std::is_same_v<T, std::uint8_t>) {
      outcome.values += (**step)->text();
    } else {
      Encoder out;
      for (T& element : ***step) Codec<T>::encode(out, element);
      auto encoded = std::move(out).finishBytes();
      NIMBUS_CHECK(encoded.has_value());
      outcome.values += encoded->toBytes().text();
    }
  }
}

template <typename T>
void checkStream(ByteView bytes) {
  const Outcome whole = readStream<T>(bytes, bytes.size() + 1);
  for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, std::size_t{64}}) {
    check(whole, readStream<T>(bytes, piece));
  }
}

void checkFrames(ByteView bytes, const TupleShape& shape) {
  static const std::unique_ptr<net::ShardGroup> shards = *net::ShardGroup::start(1);
  shards->runTask(0, [&](net::Shard& shard) -> Task<void> {
    Outcome whole;
    co_await readFrames(shard, bytes, bytes.size() + 1, shape, whole);
    for (const std::size_t piece : {std::size_t{1}, std::size_t{5}, std::size_t{64}}) {
      Outcome cut;
      co_await readFrames(shard, bytes, piece, shape, cut);
      check(whole, cut);
    }
  });
}

void run(ByteView input) {
  if (input.empty()) return;
  const std::uint8_t kind = input.front() % 6;
  const ByteView bytes = input.subspan(1);
  if (kind < 3) return checkFrames(bytes, shapeOf(kind));
  if (kind == 3) return checkStream<std::uint8_t>(bytes);
  if (kind == 4) return checkStream<std::string>(bytes);
  checkStream<std::vector<std::string>>(bytes);
}

}  // namespace
}  // namespace nimbus::wrpc

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  nimbus::wrpc::run({data, size});
  return 0;
}
