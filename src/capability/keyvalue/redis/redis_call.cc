#include "capability/keyvalue/redis/redis_call.h"

#include <numeric>

namespace nimbus::keyvalue {

std::size_t RedisCommand::bytes() const {
  return std::accumulate(
      words.begin(), words.end(), std::size_t{0},
      [](std::size_t sum, const Bytes& word) { return sum + word.size() + sizeof word; });
}

void RedisCommand::appendTo(std::string& out, ScriptBy by) const {
  const std::string keys = std::to_string(key_count);
  std::vector<std::string_view> all;
  all.reserve(words.size() + 3);
  if (script != nullptr) {
    const bool by_text = by == ScriptBy::kText;
    all.emplace_back(by_text ? "EVAL" : "EVALSHA");
    all.push_back(by_text ? script->text() : script->digest());
    all.push_back(keys);
  }
  for (const Bytes& word : words) all.push_back(word.text());
  appendRedisCommand(out, all);
}

}  // namespace nimbus::keyvalue
