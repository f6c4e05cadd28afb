#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "engine/digest.h"
#include "engine/engine.h"

namespace nimbus::host {

// The bytes of a component and what they are.
struct ReadComponent {
  engine::Engine::Inspected component;
  engine::Sha256 digest;  // of the file
};

// Components that somebody has read and inspected before their workload is deployed, for the loader
// to take instead of doing both again. Any thread.
class ReadComponents {
 public:
  using Begin = std::function<void(const std::string& path, const engine::Engine::Inspected&)>;

  // What is to be done with a component as soon as it is inspected. Before there are any.
  void onInspected(Begin begin) { begin_ = std::move(begin); }
  void inspected(const std::string& path, const engine::Engine::Inspected& component) {
    if (begin_) begin_(path, component);
  }
  void put(ReadComponent read) {
    const std::lock_guard lock(mutex_);
    by_digest_.insert_or_assign(engine::digestText(read.digest), std::move(read));
  }
  // Once: whoever takes it has it.
  [[nodiscard]] std::optional<ReadComponent> take(const std::string& digest) {
    const std::lock_guard lock(mutex_);
    auto found = by_digest_.extract(digest);
    if (found.empty()) return std::nullopt;
    return std::move(found.mapped());
  }
  // Those that nobody has taken.
  void clear() {
    const std::lock_guard lock(mutex_);
    by_digest_.clear();
  }

 private:
  Begin begin_;
  std::mutex mutex_;
  std::map<std::string, ReadComponent> by_digest_;
};

}  // namespace nimbus::host
