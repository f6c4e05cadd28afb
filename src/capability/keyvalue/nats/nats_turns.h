#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/sync.h"
#include "base/task.h"
#include "net/shard.h"

namespace nimbus::keyvalue {

// Lets the increments of one counter on one shard happen one after the other, so that they do not
// fail because of each other, and lets each begin with what the one before has left. Any shard.
class NatsTurns {
 public:
  // A counter as it was left.
  struct Left {
    std::uint64_t value;
    std::uint64_t sequence;
  };

 private:
  using Row = std::pair<const net::Shard*, std::string>;  // of a shard and a subject
  struct Turn {
    Event over;
    std::optional<Left> left;
  };

 public:
  // A place in the row, on its shard. Destroying it lets the next one begin.
  class Place {
   public:
    Place(NatsTurns& turns, const std::string& subject);
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place();

    // Waits for its turn. What the one before has left, if it did and there was one.
    [[nodiscard]] Task<std::optional<Left>> wait();
    void leave(const Left& left) { mine_->left = left; }

   private:
    NatsTurns& turns_;
    const Row row_;
    const std::shared_ptr<Turn> mine_;
    std::shared_ptr<Turn> before_;
  };

 private:
  std::mutex mutex_;
  std::map<Row, std::shared_ptr<Turn>> last_;  // of each row, the last place
};

}  // namespace nimbus::keyvalue
