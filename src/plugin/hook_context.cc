#include "plugin/hook_context.h"

namespace nimbus::plugin {

HookContext::HookContext(Entries inputs) : entries_(std::move(inputs)) {
  for (const auto& [key, value] : entries_) total_bytes_ += key.size() + value.size();
}

std::optional<std::string> HookContext::get(std::string_view key) const {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::nullopt;
  return found->second;
}

Result<std::optional<std::string>> HookContext::set(std::string_view key, std::string value) {
  const auto found = entries_.find(key);
  const bool known = found != entries_.end();
  const std::size_t freed = known ? found->second.size() : 0;
  const std::size_t added = value.size() + (known ? 0 : key.size());
  if (key.size() > kMaxKeyBytes || (!known && entries_.size() >= kMaxEntries) ||
      total_bytes_ - freed + added > kMaxTotalBytes) {
    return fail(ErrorCode::kResourceExhausted, "the context of the command is full");
  }
  total_bytes_ = total_bytes_ - freed + added;
  ++changes_;
  if (known) return std::exchange(found->second, std::move(value));
  entries_.emplace(key, std::move(value));
  return std::nullopt;
}

std::optional<std::string> HookContext::erase(std::string_view key) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return std::nullopt;
  total_bytes_ -= found->first.size() + found->second.size();
  ++changes_;
  return std::move(entries_.extract(found).mapped());
}

std::vector<std::string> HookContext::keys() const {
  std::vector<std::string> keys;
  for (const auto& entry : entries_) keys.push_back(entry.first);
  return keys;
}

HookContext::Entries HookContext::below(std::string_view prefix) const {
  Entries found;
  for (auto entry = entries_.lower_bound(prefix);
       entry != entries_.end() && entry->first.starts_with(prefix); ++entry) {
    found.emplace(entry->first.substr(prefix.size()), entry->second);
  }
  return found;
}

}  // namespace nimbus::plugin
