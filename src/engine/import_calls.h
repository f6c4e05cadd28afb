#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/task.h"
#include "engine/import_set.h"
#include "engine/reply.h"
#include "net/shard.h"
#include "rust/engine.h"
#include "wrpc/encoder.h"
#include "wrpc/invoker.h"

namespace nimbus::engine {

class SpareImportCalls;

// What one instance has open with those who provide its imports. A call that completes at once
// answers within the guest's own call; one that has to wait leaves the guest suspended, and its
// answer wakes it.
//
// Those of an instance that has gone serve the next one of its component: see SpareImportCalls.
//
// A guest can have so many calls wait at once, and their parameters be so large together, as is
// written in import_calls.cc; what it calls beyond that fails at once.
//
// Made at the instance's first import call; the instance's end drops what the guest still owned. On
// the instance's shard. Internal to src/engine.
class ImportCalls {
 public:
  ImportCalls(net::Shard& shard, std::shared_ptr<const ImportSet> imports,
              std::weak_ptr<SpareImportCalls> home = {});
  ~ImportCalls();
  ImportCalls(const ImportCalls&) = delete;
  ImportCalls& operator=(const ImportCalls&) = delete;

  [[nodiscard]] NimbusImportStatus call(std::uint32_t function, const NimbusOwnedBytes& params,
                                        std::int64_t deadline_ns, NimbusImportReply& reply);
  // The streams and futures of the next call.
  void announce(const NimbusOutgoing* channels, std::size_t count);
  void dropResource(std::uint32_t import_index, ByteView handle);

  // Drops what the instance owned. Whether another one can begin with this as with a new one.
  [[nodiscard]] bool renew();
  // Where it was made.
  [[nodiscard]] const std::weak_ptr<SpareImportCalls>& home() const { return home_; }

  // A call under way.
  class Call;
  static void suspended(Call& call, NimbusReplySlot* slot);
  static void cancel(Call& call);

 private:
  [[nodiscard]] wrpc::Session& session(std::size_t provider);
  // Not in spare_ while it is made: a call that waits may end within it.
  [[nodiscard]] std::unique_ptr<Call> takeSpare();
  [[nodiscard]] std::optional<Task<Result<wrpc::Values>>> begin(Call& call,
                                                                const ImportSet::Function& function,
                                                                const NimbusOwnedBytes& params,
                                                                std::int64_t deadline_ns);
  void giveUp(const NimbusOwnedBytes& params);
  NimbusImportStatus answer(const ImportSet::Function& function, wrpc::Encoder& encoded,
                            NimbusImportReply& reply);
  NimbusImportStatus refuse(std::string message, NimbusImportReply& reply);
  [[nodiscard]] bool mayWait(std::size_t parameter_bytes) const;
  void ended(Call& call);

  net::Shard& shard_;
  std::shared_ptr<const ImportSet> imports_;
  std::weak_ptr<SpareImportCalls> home_;
  std::vector<std::unique_ptr<wrpc::Session>> sessions_;  // by provider; null until its first call
  Call* first_ = nullptr;                                 // those that wait
  std::size_t waiting_calls_ = 0;
  std::size_t waiting_bytes_ = 0;         // of their parameters
  std::unique_ptr<Call> spare_;           // for the next call
  std::vector<wrpc::Channel> announced_;  // of the next call
  wrpc::Encoder results_;                 // of the last call
  BorrowedReply last_;                    // the guest reads it after the call
  std::string last_error_;
};

// Fills the functions for imports in; `imports_open` and `imports_close` are the caller's.
void setImportCalls(NimbusHostCalls& calls);

}  // namespace nimbus::engine
