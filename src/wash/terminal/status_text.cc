#include "wash/terminal/status_text.h"

#include <algorithm>

#include <fmt/format.h>

namespace nimbus::wash {
namespace {

constexpr std::size_t kBarColumns = 20;

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

std::size_t columnsOf(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return !continues(c); }));
}

std::string barText(const TransferState& transfer) {
  const double part =
      std::min(1.0, static_cast<double>(transfer.done) / static_cast<double>(transfer.total));
  const auto full = static_cast<std::size_t>(part * static_cast<double>(kBarColumns));
  return " [" + std::string(full, '#') + std::string(kBarColumns - full, '-') + "]";
}

// `what`, shortened so that `end` fits behind it.
std::string fitted(std::string_view what, std::string_view end, std::size_t columns) {
  const std::size_t room = columns > end.size() ? columns - end.size() : 0;
  std::string text(firstColumns(what, room));
  text += end;
  return std::string(firstColumns(text, columns));
}

}  // namespace

std::string byteText(double bytes) {
  constexpr double kStep = 1024;
  if (bytes < kStep) return fmt::format("{:.0f} B", bytes);
  const char* unit = "KiB";
  bytes /= kStep;
  for (const char* larger : {"MiB", "GiB"}) {
    if (bytes < kStep) break;
    bytes /= kStep;
    unit = larger;
  }
  return fmt::format("{:.1f} {}", bytes, unit);
}

std::string_view firstColumns(std::string_view text, std::size_t columns) {
  std::size_t end = 0;
  for (; end < text.size(); ++end) {
    if (continues(text[end])) continue;
    if (columns == 0) break;
    --columns;
  }
  return text.substr(0, end);
}

std::string statusText(std::string_view what, double seconds, std::size_t columns) {
  return fitted(what, fmt::format("  {:.0f} s", seconds), columns);
}

std::string statusText(std::string_view what, const TransferState& transfer, std::size_t columns) {
  std::string end = "  " + byteText(static_cast<double>(transfer.done));
  if (transfer.total > 0) end += " of " + byteText(static_cast<double>(transfer.total));
  end += "  " + byteText(transfer.bytes_per_second) + "/s";
  if (transfer.total > 0) {
    const std::string bar = barText(transfer);
    if (columnsOf(what) + bar.size() + end.size() <= columns) end.insert(0, bar);
  }
  return fitted(what, end, columns);
}

}  // namespace nimbus::wash
