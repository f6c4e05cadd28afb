#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/escape.h"

namespace nimbus::plugin {

// Writes an object of a file of ours, member by member.
//
//   JsonWriter out;
//   out.text("name", name).list("hooks", hooks, [](const Hook& hook, JsonWriter& item) { … });
//   std::string file = std::move(out).finish();
class JsonWriter {
 public:
  JsonWriter& text(std::string_view key, std::string_view value) {
    begin(key);
    appendJsonString(out_, value);
    return *this;
  }
  // Left out if there is none.
  JsonWriter& optionalText(std::string_view key, const std::optional<std::string>& value) {
    return value ? text(key, *value) : *this;
  }
  JsonWriter& boolean(std::string_view key, bool value) {
    return raw(key, value ? "true" : "false");
  }
  JsonWriter& number(std::string_view key, std::uint64_t value) {
    return raw(key, std::to_string(value));
  }
  template <typename Texts>
  JsonWriter& texts(std::string_view key, const Texts& values) {
    begin(key);
    out_ += '[';
    for (const auto& value : values) {
      if (out_.back() != '[') out_ += ',';
      appendJsonString(out_, value);
    }
    out_ += ']';
    return *this;
  }
  // Each item is an object that `write(item, writer)` fills.
  template <typename Items, typename Write>
  JsonWriter& list(std::string_view key, const Items& items, Write write) {
    begin(key);
    out_ += '[';
    for (const auto& item : items) {
      if (out_.back() != '[') out_ += ',';
      JsonWriter inner;
      write(item, inner);
      out_ += std::move(inner).finish();
    }
    out_ += ']';
    return *this;
  }
  // JSON text already.
  JsonWriter& raw(std::string_view key, std::string_view value) {
    begin(key);
    out_ += value;
    return *this;
  }

  [[nodiscard]] std::string finish() && {
    out_ += '}';
    return std::move(out_);
  }

 private:
  void begin(std::string_view key) {
    if (out_.size() > 1) out_ += ',';
    appendJsonString(out_, key);
    out_ += ':';
  }

  std::string out_ = "{";
};

}  // namespace nimbus::plugin
