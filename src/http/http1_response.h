#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "http/handler.h"
#include "http/http1_output.h"
#include "http/http1_request_body.h"

namespace nimbus::http {

// The response to the request that an HTTP/1 connection is answering: puts head, content and
// trailers into the connection's output. One object serves all requests of its connection.
//
// Heads come from guests: one that could break the framing (invalid names or values, contradicting
// lengths) is not sent, the client gets a 502. Content that does not match its announced length
// ends the connection.
class Http1Response final : public ResponseWriter {
 public:
  enum class Method { kHead, kOther };

  Http1Response(net::Shard& shard, const ServerLimits& limits, OutputQueue& output,
                const RequestBody& request_body)
      : shard_(shard), limits_(limits), output_(output), request_body_(request_body) {}

  void start(Version version, Method method, bool keep_alive);

  void sendHead(const ResponseHead& head, std::optional<std::uint64_t> length) override;
  Task<Result<void>> write(Bytes bytes) override;
  Task<Result<void>> write(ByteView bytes) override;
  void sendWhole(const ResponseHead& head, ByteView content) override;
  void finish(const Headers& trailers) override;
  void abort() override;
  [[nodiscard]] bool headSent() const override { return stage_ != Stage::kNoHead; }

  // A complete response of the connection's own.
  void sendError(std::uint16_t status, std::string_view reason);
  // The connection must not be used for another request.
  void closeAfterwards() { keep_alive_ = false; }

  [[nodiscard]] bool keepAlive() const { return keep_alive_; }
  // Sent from head to end, as far as this side is concerned.
  [[nodiscard]] bool complete() const {
    return stage_ == Stage::kDone || stage_ == Stage::kRefused;
  }
  [[nodiscard]] bool aborted() const { return stage_ == Stage::kAborted; }
  // The client takes the end of the connection for that of the content.
  [[nodiscard]] bool lastsUntilClose() const { return framing_ == Framing::kUntilClose; }
  // What the client saw or will see; 0: nothing.
  [[nodiscard]] std::uint16_t status() const { return status_; }
  [[nodiscard]] std::uint64_t contentBytes() const { return written_; }

 private:
  enum class Stage { kNoHead, kContent, kRefused, kDone, kAborted };
  enum class Framing { kNone, kLength, kChunked, kUntilClose };

  // Whether the request's content is too large, which the client is then told.
  bool refuseTooLarge();
  void informational(const ResponseHead& head);
  bool putHead(const ResponseHead& head, std::optional<std::uint64_t> length);
  void chooseFraming(std::uint16_t status, std::optional<std::uint64_t> length);
  void putConnectionFields(bool has_date);
  [[nodiscard]] Result<void> admit(std::size_t bytes);
  [[nodiscard]] Result<void> peerState() const;
  template <typename Piece>
  void put(Piece piece);

  net::Shard& shard_;
  const ServerLimits& limits_;
  OutputQueue& output_;
  const RequestBody& request_body_;
  Version version_ = Version::kHttp11;
  Method method_ = Method::kOther;
  bool keep_alive_ = false;
  Stage stage_ = Stage::kNoHead;
  Framing framing_ = Framing::kNone;
  std::uint16_t status_ = 0;
  std::uint64_t expected_ = 0;  // Framing::kLength
  std::uint64_t written_ = 0;
};

}  // namespace nimbus::http
