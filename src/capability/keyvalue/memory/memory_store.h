#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "capability/keyvalue/allowance.h"
#include "capability/keyvalue/keyspace_table.h"
#include "capability/keyvalue/store.h"

namespace nimbus::keyvalue {

struct MemoryStoreOptions {
  std::uint64_t max_bytes = 256ULL << 20;  // of all keyspaces together
  // When a keyspace is forgotten with all it holds: when nobody has a handle on it or on one of its
  // buckets any more (that is, with the workload), or with the store.
  enum class Lifetime { kWhileUsed, kOfTheStore };
  Lifetime lifetime = Lifetime::kWhileUsed;
};

// Keys and values in the memory of this process; nothing survives it. Every call completes at once.
// May be destroyed before its keyspaces.
class MemoryStore final : public Store {
 public:
  explicit MemoryStore(MemoryStoreOptions options);

  std::shared_ptr<Keyspace> keyspace(std::string_view name) override;
  [[nodiscard]] std::uint64_t usedBytes() const { return used_->used(); }

 private:
  const MemoryStoreOptions options_;
  const std::shared_ptr<Allowance> used_;
  KeyspaceTable keyspaces_;
  std::vector<std::shared_ptr<Keyspace>> kept_;  // for Lifetime::kOfTheStore
};

}  // namespace nimbus::keyvalue
