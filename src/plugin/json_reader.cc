#include "plugin/json_reader.h"

#include <fmt/format.h>
#include <boost/json.hpp>

namespace nimbus::plugin {

namespace json = boost::json;

struct JsonReader::Shared {
  std::string what;
  json::value root;
  std::optional<Error> failure;
};

namespace {

const json::object& objectAt(const void* object) {
  return *static_cast<const json::object*>(object);
}

}  // namespace

JsonReader::JsonReader(std::shared_ptr<Shared> shared, const void* object)
    : shared_(std::move(shared)), object_(object) {}
JsonReader::~JsonReader() = default;
JsonReader::JsonReader(JsonReader&&) noexcept = default;
JsonReader& JsonReader::operator=(JsonReader&&) noexcept = default;

Result<JsonReader> JsonReader::parse(std::string_view text, std::string what) {
  json::parse_options options;
  options.max_depth = 32;
  boost::system::error_code error;
  auto shared = std::make_shared<Shared>();
  shared->root = json::parse(text, error, {}, options);
  if (error || !shared->root.is_object()) {
    return nimbus::fail(ErrorCode::kInvalidArgument,
                        what + " is not a JSON object" + (error ? ": " + error.message() : ""));
  }
  shared->what = std::move(what);
  const json::object* object = &shared->root.get_object();
  return JsonReader(std::move(shared), object);
}

void JsonReader::fail(std::string_view key, std::string_view expected) {
  if (shared_->failure) return;
  shared_->failure = Error(ErrorCode::kInvalidArgument,
                           fmt::format("{}: {} is not {}", shared_->what, key, expected));
}

Result<void> JsonReader::check() const {
  if (shared_->failure) return std::unexpected(*shared_->failure);
  return {};
}

const void* JsonReader::find(std::string_view key) const {
  const json::value* value = objectAt(object_).if_contains(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

std::string JsonReader::text(std::string_view key) {
  auto found = optionalText(key);
  if (!found) fail(key, "a text");
  return std::move(found).value_or("");
}

std::optional<std::string> JsonReader::optionalText(std::string_view key) {
  const auto* value = static_cast<const json::value*>(find(key));
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return std::string(value->get_string());
  fail(key, "a text");
  return std::nullopt;
}

bool JsonReader::boolean(std::string_view key) {
  const auto found = optionalBoolean(key);
  if (!found) fail(key, "true or false");
  return found.value_or(false);
}

std::optional<bool> JsonReader::optionalBoolean(std::string_view key) {
  const auto* value = static_cast<const json::value*>(find(key));
  if (value == nullptr) return std::nullopt;
  if (value->is_bool()) return value->get_bool();
  fail(key, "true or false");
  return std::nullopt;
}

std::uint64_t JsonReader::number(std::string_view key) {
  const auto* value = static_cast<const json::value*>(find(key));
  if (value != nullptr && value->is_uint64()) return value->get_uint64();
  if (value != nullptr && value->is_int64() && value->get_int64() >= 0)
    return static_cast<std::uint64_t>(value->get_int64());
  fail(key, "a number");
  return 0;
}

std::vector<std::string> JsonReader::texts(std::string_view key) {
  const auto* value = static_cast<const json::value*>(find(key));
  std::vector<std::string> all;
  if (value == nullptr || !value->is_array()) {
    fail(key, "a list of texts");
    return all;
  }
  for (const json::value& item : value->get_array()) {
    if (item.is_string()) {
      all.emplace_back(item.get_string());
    } else {
      fail(key, "a list of texts");
    }
  }
  return all;
}

std::vector<JsonReader> JsonReader::objects(std::string_view key) {
  const auto* value = static_cast<const json::value*>(find(key));
  std::vector<JsonReader> all;
  if (value == nullptr || !value->is_array()) {
    fail(key, "a list of objects");
    return all;
  }
  for (const json::value& item : value->get_array()) {
    if (item.is_object()) {
      all.push_back(JsonReader(shared_, &item.get_object()));
    } else {
      fail(key, "a list of objects");
    }
  }
  return all;
}

std::vector<JsonReader> JsonReader::optionalObjects(std::string_view key) {
  if (find(key) == nullptr) return {};
  return objects(key);
}

std::optional<JsonReader> JsonReader::optionalObject(std::string_view key) {
  const auto* value = static_cast<const json::value*>(find(key));
  if (value == nullptr) return std::nullopt;
  if (value->is_object()) return JsonReader(shared_, &value->get_object());
  fail(key, "an object");
  return std::nullopt;
}

std::vector<std::pair<std::string, std::string>> JsonReader::pairs(std::string_view key) {
  const auto* value = static_cast<const json::value*>(find(key));
  std::vector<std::pair<std::string, std::string>> all;
  if (value == nullptr || !value->is_object()) {
    fail(key, "an object of texts");
    return all;
  }
  for (const auto& member : value->get_object()) {
    if (member.value().is_string()) {
      all.emplace_back(member.key(), member.value().get_string());
    } else {
      fail(key, "an object of texts");
    }
  }
  return all;
}

}  // namespace nimbus::plugin
