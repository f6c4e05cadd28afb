#include "wash/terminal/transfer_line.h"

#include <string>

namespace nimbus::wash {

oci::Progress::Id TransferLine::begin(Direction direction, std::string_view what,
                                      std::uint64_t done, std::uint64_t total) {
  std::string text = direction == Direction::kDownload ? "Pulling " : "Pushing ";
  text += what;
  return line_.beginTransfer(text, done, total);
}

}  // namespace nimbus::wash
