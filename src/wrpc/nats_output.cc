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

Task<Result<void>> NatsOutput::sendChannels(std::vector<Channel> channels,
                                            std::unique_ptr<ChannelSource> arriving) {
  for (Channel& channel : channels) {
    if (channel.source) pumps_.spawn(pump(std::move(channel)));
  }
  if (arriving) pumps_.spawn(follow(std::move(arriving)));
  co_await pumps_.empty();
  if (failure_) co_return std::unexpected(*failure_);
  co_return Result<void>{};
}

// Also a source that failed is ended: a value that is cut off shows as such by its own encoding.
Task<void> NatsOutput::pump(Channel channel) {
  const std::string subject = channelSubject(root_, channel.path);
  for (;;) {
    auto piece = co_await channel.source->read();
    if (!piece || !*piece) {
      auto ended = connection_.publish(subject, {});
      if (!piece) co_return failed(std::move(piece).error());
      if (!ended) co_return failed(std::move(ended).error());
      progress_ += 1;
      co_return;
    }
    auto sent = co_await send(subject, NatsChunks(std::move(**piece)));
    if (!sent) co_return failed(std::move(sent).error());
  }
}

Task<void> NatsOutput::follow(std::unique_ptr<ChannelSource> arriving) {
  for (;;) {
    auto channel = co_await arriving->next();
    if (!channel) co_return failed(std::move(channel).error());
    if (!*channel) co_return;
    pumps_.spawn(pump(std::move(**channel)));
  }
}

// Called by a pump, which must not be destroyed under its own feet.
void NatsOutput::failed(Error error) {
  if (failure_) return;
  failure_ = std::move(error);
  shard_.defer(*this);
}

}  // namespace nimbus::wrpc
