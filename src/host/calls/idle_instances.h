#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include <boost/intrusive/list.hpp>

#include "host/calls/quota_lease.h"
#include "net/shard.h"

namespace nimbus::host {

struct ShardRuntime;

// The warm instances of one shard that nothing is on. They count against their quotas all the same,
// so where a call waits for an instance of a quota, the one that has idled longest ends, here or
// else on another shard.
class IdleInstances {
 public:
  // One of them; leaves the list by itself when it is destroyed.
  class Entry : public boost::intrusive::list_base_hook<
                    boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    // Ends the instance: soon its place is free.
    std::function<void()> give_up;

   private:
    friend class IdleInstances;
    Quota* own_ = nullptr;
  };

  // `host_instances`: the shard's lease of the count that all instances are in. `peers`: all
  // serving shards by index; null: there is no other.
  IdleInstances(net::Shard& shard, QuotaLease& host_instances,
                const std::vector<ShardRuntime*>* peers)
      : shard_(shard),
        host_(host_instances),
        peers_(peers),
        self_(std::make_shared<IdleInstances*>(this)) {}
  ~IdleInstances() { *self_ = nullptr; }
  IdleInstances(const IdleInstances&) = delete;
  IdleInstances& operator=(const IdleInstances&) = delete;

  // It idles from now on. `own`: the count of its component.
  void add(Entry& entry, Quota& own);
  static void remove(Entry& entry) {
    if (entry.is_linked()) entry.unlink();
  }

  // A call waits for an instance of that quota, the host's or a component's. One at a time ends:
  // until it has, and its place is free, nothing comes of further calls. Posted: nothing ends
  // within this call.
  void ask(const Quota& quota);

 private:
  // Asks the next shard if there is none here, as long as there are `others` that were not asked.
  void askOn(const Quota* quota, std::size_t others);
  [[nodiscard]] bool giveUpOne(const Quota* quota);

  net::Shard& shard_;
  QuotaLease& host_;
  const std::vector<ShardRuntime*>* const peers_;
  boost::intrusive::list<Entry, boost::intrusive::constant_time_size<false>> idle_;  // oldest first
  const std::shared_ptr<IdleInstances*> self_;  // outlives this in what is posted
};

}  // namespace nimbus::host
