#pragma once

#include <cstddef>
#include <optional>

#include "base/byte_chain.h"
#include "base/result.h"
#include "wrpc/codec.h"
#include "wrpc/decoder.h"
#include "wrpc/invoker.h"

namespace nimbus::wrpc {

// What generated code knows of a tuple of types: how long it is, and whether streams or futures are
// in it.
struct TupleFacts {
  Result<std::optional<std::size_t>> (*measure)(const ByteChain& bytes);
  bool pending;
};

// How many bytes of `in` were read, as TupleShape::measure() says it.
[[nodiscard]] Result<std::optional<std::size_t>> measured(const Decoder& in, std::size_t size);

template <typename... Ts>
[[nodiscard]] Result<std::optional<std::size_t>> measureTuple(const ByteChain& bytes) {
  Decoder in(bytes);
  in.measureOnly();
  (static_cast<void>(Codec<Ts>::decode(in)), ...);
  return measured(in, bytes.size());
}

template <typename... Ts>
inline constexpr TupleFacts kTupleFacts = {&measureTuple<Ts...>,
                                           (false || ... || Codec<Ts>::kPending)};

class KnownShape final : public TupleShape {
 public:
  explicit KnownShape(const TupleFacts& facts) : facts_(facts) {}
  [[nodiscard]] Result<std::optional<std::size_t>> measure(const ByteChain& bytes) const override {
    return facts_.measure(bytes);
  }
  [[nodiscard]] bool mayHaveChannels() const override { return facts_.pending; }

 private:
  TupleFacts facts_;
};

}  // namespace nimbus::wrpc
