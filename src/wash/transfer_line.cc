#include "wash/transfer_line.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "base/escape.h"

namespace nimbus::wash {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kInterval = std::chrono::milliseconds(100);
constexpr std::size_t kUsualColumns = 80;

std::size_t terminalColumns() {
  winsize size{};
  const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kUsualColumns;
}

void writeError(std::string_view text) {
  // A terminal that takes nothing gets no progress.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
}

class TransferLine final : public oci::Progress {
 public:
  void begin(Direction direction, std::string_view what, std::uint64_t done,
             std::uint64_t total) override {
    what_ = direction == Direction::kDownload ? "Pulling " : "Pushing ";
    appendEscaped(what_, what);
    total_ = total;
    first_ = done;
    started_ = Clock::now();
    shown_ = started_;
  }

  void at(std::uint64_t done) override {
    const auto now = Clock::now();
    if (done < first_) first_ = done;
    if (now - shown_ < kInterval) return;
    shown_ = now;
    visible_ = true;
    const double seconds = std::chrono::duration<double>(now - started_).count();
    writeError("\r\x1b[K" + transferText(what_, done, total_,
                                         static_cast<double>(done - first_) / seconds,
                                         terminalColumns() - 1));
  }

  void end() override {
    if (visible_) writeError("\r\x1b[K");
    visible_ = false;
  }

 private:
  std::string what_;
  std::uint64_t total_ = 0;
  std::uint64_t first_ = 0;  // bytes that were there before
  Clock::time_point started_;
  Clock::time_point shown_;
  bool visible_ = false;
};

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

std::string transferText(std::string_view what, std::uint64_t done, std::uint64_t total,
                         double bytes_per_second, std::size_t columns) {
  const std::string numbers =
      fmt::format("  {} of {}  {}/s", byteText(static_cast<double>(done)),
                  byteText(static_cast<double>(total)), byteText(bytes_per_second));
  const std::size_t room = columns > numbers.size() ? columns - numbers.size() : 0;
  return (std::string(what.substr(0, room)) + numbers).substr(0, columns);
}

std::unique_ptr<oci::Progress> makeTransferLine() {
  if (::isatty(STDERR_FILENO) == 0) return nullptr;
  return std::make_unique<TransferLine>();
}

}  // namespace nimbus::wash
