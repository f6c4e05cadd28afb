#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

// libnats' own type, which only the .cc files look into.
struct __natsMsg;  // NOLINT(bugprone-reserved-identifier)

namespace nimbus::nats {

// A message that was received. Views are valid as long as it lives. Movable; one thread at a time.
class Message {
 public:
  // Takes it; null is not allowed.
  explicit Message(__natsMsg* raw) : raw_(raw) {}

  [[nodiscard]] std::string_view subject() const [[clang::lifetimebound]];
  // Where the sender wants an answer; empty: nowhere.
  [[nodiscard]] std::string_view reply() const [[clang::lifetimebound]];
  [[nodiscard]] ByteView payload() const [[clang::lifetimebound]];
  // The value of a header, whose name counts as it is written.
  [[nodiscard]] std::optional<std::string_view> header(const char* name) const
      [[clang::lifetimebound]];
  // The three digits that a server (or a peer of ours) put in place of content; 0: none.
  [[nodiscard]] int status() const;

  // The payload as memory that outlives the message.
  [[nodiscard]] Bytes takePayload() &&;

 private:
  struct Deleter {
    void operator()(__natsMsg* raw) const;
  };
  std::unique_ptr<__natsMsg, Deleter> raw_;
};

}  // namespace nimbus::nats
