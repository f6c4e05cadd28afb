#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace nimbus::plugin {

// What one run of a command shares with the hooks around it: string keys and values. The command
// puts its inputs in, before-hooks read and change them, the command reads back the keys that its
// page promises, and after-hooks see what it left. Lives as long as the run; one thread at a time.
class HookContext {
 public:
  static constexpr std::size_t kMaxEntries = 1024;
  static constexpr std::size_t kMaxKeyBytes = 256;
  static constexpr std::size_t kMaxTotalBytes = std::size_t{64} << 20;

  using Entries = std::map<std::string, std::string, std::less<>>;

  HookContext() = default;
  explicit HookContext(Entries inputs);

  [[nodiscard]] std::optional<std::string> get(std::string_view key) const;
  // Returns the value that was there; kResourceExhausted beyond a bound, and nothing is changed.
  [[nodiscard]] Result<std::optional<std::string>> set(std::string_view key, std::string value);
  std::optional<std::string> erase(std::string_view key);
  [[nodiscard]] std::vector<std::string> keys() const;
  // Entries whose key begins with `prefix`, with the prefix taken off.
  [[nodiscard]] Entries below(std::string_view prefix) const;
  // All of it, until the next change.
  [[nodiscard]] const Entries& entries() const [[clang::lifetimebound]] { return entries_; }
  // How often it was changed.
  [[nodiscard]] std::uint64_t changes() const { return changes_; }

 private:
  Entries entries_;
  std::size_t total_bytes_ = 0;  // keys and values
  std::uint64_t changes_ = 0;
};

}  // namespace nimbus::plugin
