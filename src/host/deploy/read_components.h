#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/files.h"
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
  using Expect = std::function<void(const std::string& path, engine::Engine::Inspected& component)>;

  // What is to be done with each component as soon as it is inspected, if its file is another than
  // the last time. To be set before any is read.
  void onInspected(Expect expect) { expect_ = std::move(expect); }
  void inspected(const std::string& path, engine::Engine::Inspected& component) {
    if (!expect_) return;
    {
      const FileStamp stamp = stampOf(path);
      const std::lock_guard lock(mutex_);
      if (std::exchange(stamps_[path], stamp) == stamp) return;
    }
    expect_(path, component);
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
  Expect expect_;
  std::mutex mutex_;                         // guards what follows
  std::map<std::string, FileStamp> stamps_;  // by path
  std::map<std::string, ReadComponent> by_digest_;
};

}  // namespace nimbus::host
