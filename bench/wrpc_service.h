#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>

#include "wrpc/invoker.h"
#include "wrpc/leb.h"

namespace nimbus::bench {

// bench:wrpc/service, by hand, so that what is measured is the transport:
//   echo: func(bytes: list<u8>) -> list<u8>
//   flood: func(bytes: list<u8>) -> stream<u8>    kFloodBytes of them
inline constexpr std::string_view kServiceInstance = "bench:wrpc/service";
inline constexpr std::size_t kFloodBytes = std::size_t{1} << 30;
inline constexpr std::size_t kFloodPieceBytes = 64 * 1024;

inline ByteChain encodeList(const Bytes& bytes) {
  std::array<std::uint8_t, wrpc::kMaxLebBytes> length;
  ByteChain chain;
  chain.append(ByteView(length.data(), wrpc::writeUleb(bytes.size(), length.data())));
  chain.append(bytes);
  return chain;
}

// The tuple of one byte list.
class ListShape final : public wrpc::TupleShape {
 public:
  Result<std::optional<std::size_t>> measure(const ByteChain& bytes) const override {
    if (bytes.empty()) return std::nullopt;
    const wrpc::UlebResult length = wrpc::readUleb(bytes.piece(0), 32);
    if (length.state != wrpc::LebState::kDone) return std::nullopt;
    const std::size_t size = length.size + length.value;
    if (bytes.size() < size) return std::nullopt;
    return size;
  }
  [[nodiscard]] bool mayHaveChannels() const override { return false; }
};

// The tuple of one stream.
class StreamShape final : public wrpc::TupleShape {
 public:
  Result<std::optional<std::size_t>> measure(const ByteChain& bytes) const override {
    if (bytes.empty()) return std::nullopt;
    return 1;
  }
};

class FloodSource final : public wrpc::ByteSource {
 public:
  Eventual<Result<std::optional<ByteChain>>> read() override {
    using Piece = Result<std::optional<ByteChain>>;
    if (ended_) return Piece(std::nullopt);
    if (left_bytes_ == 0) {
      ended_ = true;
      ByteChain end;
      end.append(std::uint8_t{0});
      return Piece(std::move(end));
    }
    left_bytes_ -= piece_.size();
    return Piece(encodeList(piece_));
  }

 private:
  const Bytes piece_ = Bytes::take(std::string(kFloodPieceBytes, 'x'));
  std::size_t left_bytes_ = kFloodBytes;
  bool ended_ = false;
};

class ServiceInvoker final : public wrpc::Invoker {
 public:
  static constexpr wrpc::FunctionId kEcho{0}, kFlood{1};

  Result<wrpc::FunctionId> resolve(const wrpc::FunctionName& name) override {
    if (name.instance == kServiceInstance && name.function == "echo") return kEcho;
    if (name.instance == kServiceInstance && name.function == "flood") return kFlood;
    return fail(ErrorCode::kNotFound, "no such function");
  }
  std::shared_ptr<const wrpc::TupleShape> parameters(wrpc::FunctionId) const override {
    return shape_;
  }
  std::unique_ptr<wrpc::Session> open(net::Shard&, std::shared_ptr<const wrpc::Consumer>) override {
    return std::make_unique<ServiceSession>();
  }

 private:
  class ServiceSession final : public wrpc::Session {
   public:
    Eventual<Result<wrpc::Values>> invoke(const wrpc::CallContext&, wrpc::FunctionId id,
                                          wrpc::Values params) override {
      wrpc::Values results;
      if (id == kEcho) {
        results.bytes = std::move(params.bytes);
      } else {
        results.bytes.append(std::uint8_t{0});
        results.channels.push_back({{0}, std::make_unique<FloodSource>()});
      }
      return Result<wrpc::Values>(std::move(results));
    }
    void drop(ByteView) override {}
  };

  const std::shared_ptr<const wrpc::TupleShape> shape_ = std::make_shared<ListShape>();
};

}  // namespace nimbus::bench
