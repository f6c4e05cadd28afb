#include "wrpc/channel_pumps.h"

#include <utility>

namespace nimbus::wrpc {

Task<Result<void>> ChannelPumps::run(std::vector<Channel> channels,
                                     std::unique_ptr<ChannelSource> arriving) {
  for (Channel& channel : channels) {
    if (channel.source) pumps_.spawn(pump(std::move(channel)));
  }
  if (arriving) pumps_.spawn(follow(std::move(arriving)));
  co_await pumps_.empty();
  if (failure_) co_return std::unexpected(*failure_);
  co_return Result<void>{};
}

Task<void> ChannelPumps::pump(Channel channel) {
  for (;;) {
    auto piece = co_await channel.source->read();
    if (!piece || !*piece) {
      auto ended = output_.end(channel.path);
      if (!piece) co_return failed(Culprit::kSource, std::move(piece).error());
      if (!ended) co_return failed(Culprit::kPeer, std::move(ended).error());
      co_return;
    }
    auto written = co_await output_.write(channel.path, std::move(**piece));
    if (!written) co_return failed(Culprit::kPeer, std::move(written).error());
  }
}

Task<void> ChannelPumps::follow(std::unique_ptr<ChannelSource> arriving) {
  for (;;) {
    auto channel = co_await arriving->next();
    if (!channel) co_return failed(Culprit::kSource, std::move(channel).error());
    if (!*channel) co_return;
    pumps_.spawn(pump(std::move(**channel)));
  }
}

// Called by a pump, which must not be destroyed under its own feet.
void ChannelPumps::failed(Culprit culprit, Error error) {
  if (failure_) return;
  failure_ = std::move(error);
  source_failed_ = culprit == Culprit::kSource;
  shard_.defer(*this);
}

}  // namespace nimbus::wrpc
