#include "nats/message.h"

#include <nats/nats.h>

#include <utility>

#include "base/text.h"

namespace nimbus::nats {

void Message::Deleter::operator()(__natsMsg* raw) const { natsMsg_Destroy(raw); }

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
