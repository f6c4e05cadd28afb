#pragma once

#include <optional>

#include "oci/progress.h"
#include "wash/terminal/status_line.h"

namespace nimbus::wash {

// Shows how transfers get on, which may overlap.
class TransferLine final : public oci::Progress {
 public:
  TransferLine() : line_(own_.emplace()) {}
  // On a line that shows other things too, and outlives it.
  explicit TransferLine(StatusLine& line) : line_(line) {}
  [[nodiscard]] Id begin(Direction direction, std::string_view what) override;
  [[nodiscard]] Id begin(Direction direction, std::string_view what, std::uint64_t done,
                         std::uint64_t total) override;
  void at(Id transfer, std::uint64_t done) override { line_.advance(transfer, done); }
  void end(Id transfer) override { line_.end(transfer); }

 private:
  std::optional<StatusLine> own_;
  StatusLine& line_;
};

}  // namespace nimbus::wash
