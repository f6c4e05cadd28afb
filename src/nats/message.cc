#include "nats/message.h"

#include <nats/nats.h>

#include <array>
#include <utility>

#include "base/text.h"

namespace nimbus::nats {

namespace {

// libnats frees messages on a thread of its own, which it wakes for each one; so a thread gives
// back what it is done with many at a time.
class GivenBack {
 public:
  GivenBack() = default;
  GivenBack(const GivenBack&) = delete;
  GivenBack& operator=(const GivenBack&) = delete;
  ~GivenBack() { flush(); }

  void add(natsMsg* message) {
    messages_[count_++] = message;
    bytes_ += static_cast<std::size_t>(natsMsg_GetDataLength(message));
    if (count_ == messages_.size() || bytes_ >= kMaxBytes) flush();
  }

 private:
  static constexpr std::size_t kMaxBytes = 64 * 1024;

  void flush() {
    for (std::size_t index = 0; index < count_; ++index) natsMsg_Destroy(messages_[index]);
    count_ = 0;
    bytes_ = 0;
  }

  std::array<natsMsg*, 64> messages_{};
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

thread_local GivenBack given_back;

}  // namespace

void Message::Deleter::operator()(__natsMsg* raw) const { given_back.add(raw); }

std::string_view Message::subject() const { return natsMsg_GetSubject(raw_.get()); }

std::string_view Message::reply() const {
  const char* reply = natsMsg_GetReply(raw_.get());
  return reply == nullptr ? std::string_view() : std::string_view(reply);
}

ByteView Message::payload() const {
  const auto* data = reinterpret_cast<const std::uint8_t*>(natsMsg_GetData(raw_.get()));
  return {data, static_cast<std::size_t>(natsMsg_GetDataLength(raw_.get()))};
}

std::optional<std::string_view> Message::header(const char* name) const {
  const char* value = nullptr;
  if (natsMsgHeader_Get(raw_.get(), name, &value) != NATS_OK || value == nullptr) {
    return std::nullopt;
  }
  return std::string_view(value);
}

int Message::status() const {
  const auto text = header("Status");
  if (!text || text->size() != 3) return 0;
  return static_cast<int>(parseDecimal(*text).value_or(0));
}

Bytes Message::takePayload() && {
  const ByteView view = payload();
  return {view, std::shared_ptr<const void>(std::move(raw_))};
}

}  // namespace nimbus::nats
