#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace nimbus::plugin {

// Reads an object of a file of ours by the names of its members. The first member that is missing
// or of another type is remembered and reads as empty from then on; `check` tells of it at the end.
// Members that nobody asks for are left alone: newer versions may have written them.
class JsonReader {
 public:
  // kInvalidArgument if the text is no object; nests at most 32 deep. `what` names it in errors.
  [[nodiscard]] static Result<JsonReader> parse(std::string_view text, std::string what);
  ~JsonReader();
  JsonReader(JsonReader&&) noexcept;
  JsonReader& operator=(JsonReader&&) noexcept;
  JsonReader(const JsonReader&) = delete;
  JsonReader& operator=(const JsonReader&) = delete;

  [[nodiscard]] std::string text(std::string_view key);
  [[nodiscard]] std::optional<std::string> optionalText(std::string_view key);
  [[nodiscard]] bool boolean(std::string_view key);
  [[nodiscard]] std::optional<bool> optionalBoolean(std::string_view key);
  [[nodiscard]] std::uint64_t number(std::string_view key);
  [[nodiscard]] std::vector<std::string> texts(std::string_view key);
  [[nodiscard]] std::vector<JsonReader> objects(std::string_view key);
  [[nodiscard]] std::vector<JsonReader> optionalObjects(std::string_view key);
  [[nodiscard]] std::optional<JsonReader> optionalObject(std::string_view key);
  // Members of an object of texts.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> pairs(std::string_view key);

  // What the reader itself could not make sense of, for values it knows as texts only.
  void fail(std::string_view key, std::string_view expected);
  [[nodiscard]] Result<void> check() const;

 private:
  struct Shared;
  JsonReader(std::shared_ptr<Shared> shared, const void* object);
  [[nodiscard]] const void* find(std::string_view key) const;

  std::shared_ptr<Shared> shared_;
  const void* object_;
};

}  // namespace nimbus::plugin
