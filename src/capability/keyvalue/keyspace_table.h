#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "capability/keyvalue/store.h"

namespace nimbus::keyvalue {

// The keyspaces of a store, by name, each for as long as somebody has it. Any thread.
class KeyspaceTable {
 public:
  // The one of that name, else what `make` gives, which has the table for itself meanwhile.
  template <typename Make>
  [[nodiscard]] std::shared_ptr<Keyspace> get(std::string_view name, Make make) {
    const std::lock_guard lock(mutex_);
    if (const auto found = keyspaces_.find(name); found != keyspaces_.end()) {
      if (auto keyspace = found->second.lock()) return keyspace;
    }
    std::erase_if(keyspaces_, [](const auto& entry) { return entry.second.expired(); });
    std::shared_ptr<Keyspace> keyspace = make();
    keyspaces_.insert_or_assign(std::string(name), keyspace);
    return keyspace;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Keyspace>, std::less<>> keyspaces_;
};

}  // namespace nimbus::keyvalue
