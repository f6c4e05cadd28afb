#include "wash/terminal/transfer_line.h"

#include <string>

namespace nimbus::wash {
namespace {

std::string textOf(oci::Progress::Direction direction, std::string_view what) {
  std::string text = direction == oci::Progress::Direction::kDownload ? "Pulling " : "Pushing ";
  return text.append(what);
}

}  // namespace

oci::Progress::Id TransferLine::begin(Direction direction, std::string_view what) {
  return line_.begin(textOf(direction, what));
}

oci::Progress::Id TransferLine::begin(Direction direction, std::string_view what,
                                      std::uint64_t done, std::uint64_t total) {
  return line_.beginTransfer(textOf(direction, what), done, total);
}

}  // namespace nimbus::wash
