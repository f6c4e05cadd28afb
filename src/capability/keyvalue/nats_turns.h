#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "base/sync.h"
#include "base/task.h"

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
  // Of one shard.
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
    const std::pair<std::size_t, std::string> row_;
    const std::shared_ptr<Turn> mine_;
    std::shared_ptr<Turn> before_;
  };

 private:
  std::mutex mutex_;
  // The last place of each row, by shard and subject.
  std::map<std::pair<std::size_t, std::string>, std::shared_ptr<Turn>> last_;
};

}  // namespace nimbus::keyvalue
