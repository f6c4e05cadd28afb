#pragma once

#include <memory>

#include "base/result.h"
#include "base/unique_fd.h"
#include "net/shard.h"

namespace nimbus::net {

// Watches a descriptor that a library of its own reads and writes, and calls back on the shard
// while there is something to do: readable() in every turn in which input or an end waits,
// writable() only while writing was asked for. Made, used and destroyed on the shard's thread, also
// from within a call-back; what is destroyed is not called any more.
class ForeignWatch {
 public:
  class Owner {
   public:
    virtual void readable() = 0;
    virtual void writable() = 0;

   protected:
    ~Owner() = default;
  };

  // Takes the descriptor, which may be a copy (dup) of the library's, and closes it at the end.
  [[nodiscard]] static Result<std::unique_ptr<ForeignWatch>> open(Shard& shard, UniqueFd fd,
                                                                  Owner& owner);
  ForeignWatch(const ForeignWatch&) = delete;
  ForeignWatch& operator=(const ForeignWatch&) = delete;
  ~ForeignWatch();

  enum class Writing { kWanted, kNotWanted };
  void setWriting(Writing writing);

 private:
  struct Source;
  explicit ForeignWatch(std::unique_ptr<Source> source);

  std::unique_ptr<Source> source_;
  Writing writing_ = Writing::kNotWanted;
};

}  // namespace nimbus::net
