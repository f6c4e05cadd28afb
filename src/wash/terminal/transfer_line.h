#pragma once

#include "oci/progress.h"
#include "wash/terminal/status_line.h"

namespace nimbus::wash {

// Shows how a transfer gets on.
class TransferLine final : public oci::Progress {
 public:
  void begin(Direction direction, std::string_view what, std::uint64_t done,
             std::uint64_t total) override;
  void at(std::uint64_t done) override { line_.advance(done); }
  void end() override { line_.end(); }

 private:
  StatusLine line_;
};

}  // namespace nimbus::wash
