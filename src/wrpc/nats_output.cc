#include "wrpc/nats_output.h"

#include <utility>

#include "wrpc/nats_subject.h"

namespace nimbus::wrpc {
namespace {

// What may wait in the connection before a call holds back.
constexpr std::size_t kHighWaterBytes = 1024 * 1024;
// How often one that holds back looks again: the connection is shared by all shards and tells
// nobody that it has room.
constexpr Duration kLookAgain = std::chrono::milliseconds(1);

}  // namespace

bool NatsOutput::full() const { return connection_.bufferedBytes() > kHighWaterBytes; }

Eventual<Result<void>> NatsOutput::sendRoot(NatsChunks chunks) {
  const std::size_t limit = connection_.maxPayload();
  while (!chunks.empty()) {
    if (full()) return send(root_, std::move(chunks));
    if (auto sent = connection_.publish(root_, chunks.next(limit)); !sent) return sent;
    progress_ += 1;
  }
  return Result<void>{};
}

Task<Result<void>> NatsOutput::send(std::string subject, NatsChunks chunks) {
  const std::size_t limit = connection_.maxPayload();
  while (!chunks.empty()) {
    while (full()) co_await shard_.sleepFor(kLookAgain);
    CO_TRY_VOID(connection_.publish(subject, chunks.next(limit)));
    progress_ += 1;
  }
  co_return Result<void>{};
}

Task<Result<void>> NatsOutput::write(IndexPath path, ByteChain data) {
  return send(channelSubject(root_, path), NatsChunks(std::move(data)));
}

Result<void> NatsOutput::end(const IndexPath& path) {
  progress_ += 1;
  return connection_.publish(channelSubject(root_, path), {});
}

}  // namespace nimbus::wrpc
