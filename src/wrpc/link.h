#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "wrpc/invoker.h"
#include "wrpc/name_table.h"

namespace nimbus::wrpc {

// An Invoker that stands for another one, which can be replaced at any time: what an import of a
// component resolves to. New configuration, another provider, failover and hot reload are one
// swap(). Calls in flight end in the generation that they began in, and a call whose first
// parameter is a handle goes where the handle came from, as long as its session can tell
// (Session::owns). Every other call goes to the newest generation; sessions open there when they
// need to, and let an old one go once nothing of it is in use.
//
//   auto link = std::make_shared<Link>(memory_store);
//   link->swap(sqlite_store);
class Link final : public Invoker {
 public:
  // Null: nothing is linked yet, and calls fail with kUnavailable.
  explicit Link(std::shared_ptr<Invoker> target);
  ~Link() override;

  // Any thread. Null unlinks.
  void swap(std::shared_ptr<Invoker> target);
  [[nodiscard]] std::shared_ptr<Invoker> target() const;

  // As the present target has it; without one any name resolves.
  [[nodiscard]] Result<FunctionId> resolve(const FunctionName& name) override;
  // Whether or not the present target has it.
  [[nodiscard]] Result<FunctionId> resolveForNext(const FunctionName& name) {
    return names_.add(name);
  }
  [[nodiscard]] std::shared_ptr<const TupleShape> parameters(FunctionId id) const override;
  [[nodiscard]] std::unique_ptr<Session> open(net::Shard& shard,
                                              std::shared_ptr<const Consumer> consumer) override;

 private:
  class LinkSession;
  struct Generation {
    std::uint64_t number;
    std::shared_ptr<Invoker> target;
  };

  [[nodiscard]] Generation newest() const;
  void remember(net::Shard& shard, const std::weak_ptr<LinkSession>& session);

  NameTable names_;
  std::atomic<std::uint64_t> newest_number_{1};
  mutable std::mutex mutex_;  // of what follows
  Generation newest_;
  struct Opened {
    net::Shard* shard;
    std::weak_ptr<LinkSession> session;
  };
  std::vector<Opened> opened_;
};

}  // namespace nimbus::wrpc
