#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"

namespace nimbus::oci {

// Where the bytes of a blob go while they are downloaded. It may hold the beginning already, from
// an earlier attempt. Belongs to the shard that downloads.
class BlobSink {
 public:
  virtual ~BlobSink() = default;
  // Bytes it has: the next ones are asked for from here on.
  [[nodiscard]] virtual std::uint64_t size() const = 0;
  [[nodiscard]] virtual Result<void> append(ByteView bytes) = 0;
  // Forgets what it has.
  [[nodiscard]] virtual Result<void> restart() = 0;
  // Called with the whole blob there. False: these are not the bytes of the digest wanted.
  [[nodiscard]] virtual bool verify() = 0;
};

}  // namespace nimbus::oci
