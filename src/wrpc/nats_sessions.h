#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "net/shard.h"
#include "wrpc/invoker.h"

namespace nimbus::wrpc {

// The sessions of a server's consumers, by who they say they are. Bounded: the one that was idle
// for longest makes room; if all are in use, a consumer shares the session of those without a name.
// One shard.
class NatsSessions {
 public:
  NatsSessions(net::Shard& shard, Invoker& invoker, Duration lease, std::size_t max_consumers);

  struct Entry {
    std::shared_ptr<const Consumer> consumer;
    std::unique_ptr<Session> session;
    std::size_t calls = 0;  // that run; the caller counts

   private:
    friend class NatsSessions;
    std::list<Entry*>::iterator place;
  };
  // Valid while the caller counts itself in `calls`, or until the next call.
  [[nodiscard]] Entry& of(Consumer consumer);
  [[nodiscard]] std::size_t size() const { return entries_.size(); }

 private:
  Entry& open(Entry& entry, Consumer consumer);
  bool makeRoom();
  static std::string keyOf(const Consumer& consumer);

  net::Shard& shard_;
  Invoker& invoker_;
  const Duration lease_;
  const std::size_t max_consumers_;
  Entry nameless_;
  std::unordered_map<std::string, Entry> entries_;
  std::list<Entry*> by_use_;  // the last used one last
  std::unordered_map<Entry*, std::string> keys_;
};

}  // namespace nimbus::wrpc
