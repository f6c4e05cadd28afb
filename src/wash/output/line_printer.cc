#include "wash/output/line_printer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <string>

namespace nimbus::wash {
namespace {

constexpr std::size_t kMostWaitingBytes = std::size_t{4} << 20;

std::string aboutLost(std::uint64_t lost) {
  return std::to_string(lost) + " lines of output were dropped\n";
}

// A file does not count: it takes everything at once, so that there is no order to keep.
bool sameReader(int one, int other) {
  struct stat first{};
  struct stat second{};
  if (::fstat(one, &first) != 0 || ::fstat(other, &second) != 0) return false;
  return !S_ISREG(first.st_mode) && first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

}  // namespace

LinePrinter::LinePrinter()
    : error_(STDERR_FILENO, {.most_bytes = kMostWaitingBytes, .about_lost = aboutLost}),
      bottom_([this](std::string_view text) { error_.write(text); }) {
  if (sameReader(STDOUT_FILENO, STDERR_FILENO)) return;
  const auto tell = [this](std::uint64_t lost) {
    bottom_.print(aboutLost(lost));
    return std::string();
  };
  output_.emplace(STDOUT_FILENO,
                  OutputQueue::Options{.most_bytes = kMostWaitingBytes, .about_lost = tell});
}

void LinePrinter::print(To to, std::string_view line) { write(to, std::string(line) + "\n"); }

// What cannot be written is lost: there is nowhere else to say so.
void LinePrinter::write(To to, std::string_view text) {
  if (to == To::kOutput && output_) {
    output_->write(text);
  } else {
    bottom_.print(text);
  }
}

}  // namespace nimbus::wash
