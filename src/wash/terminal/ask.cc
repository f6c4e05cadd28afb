#include "wash/terminal/ask.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <sys/eventfd.h>

#include "base/text.h"

namespace nimbus::wash {
namespace {

constexpr std::size_t kMaxAnswerBytes = 4096;

std::unexpected<Error> cancelled() { return fail(ErrorCode::kCancelled, "no answer"); }

void say(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

// Byte by byte: what follows is not ours.
Result<std::string> readAnswer(int descriptor, const std::stop_token& stop) {
  const int wake = ::eventfd(0, EFD_CLOEXEC);
  const std::stop_callback stopped(stop, [wake] {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake, &one, sizeof one);
  });
  std::string line;
  bool complete = false;
  while (line.size() < kMaxAnswerBytes) {
    std::array<pollfd, 2> waits{{{wake, POLLIN, 0}, {descriptor, POLLIN, 0}}};
    if (::poll(waits.data(), waits.size(), -1) < 0 && errno == EINTR) continue;
    if (waits[0].revents != 0) break;
    char c = 0;
    if (::read(descriptor, &c, 1) != 1) break;
    complete = c == '\n';
    if (complete) break;
    line += c;
  }
  ::close(wake);
  if (!complete) return cancelled();
  return std::string(trim(line));
}

Result<std::size_t> askChoice(std::string_view question, const std::vector<std::string>& options,
                              std::stop_token stop) {
  std::string text = fmt::format("{}\n", question);
  for (std::size_t i = 0; i < options.size(); ++i) {
    text += fmt::format("{:3}  {}\n", i + 1, options[i]);
  }
  say(text);
  while (true) {
    say(fmt::format("1 to {}: ", options.size()));
    TRY(const std::string answer, readAnswer(STDIN_FILENO, stop));
    const auto number = parseDecimal(answer);
    if (number && *number >= 1 && *number <= options.size()) return *number - 1;
  }
}

Result<std::string> askLine(std::string_view prompt, std::stop_token stop) {
  say(prompt);
  return readAnswer(STDIN_FILENO, stop);
}

Result<bool> askConsent(std::string_view question, std::stop_token stop) {
  TRY(const std::string answer, askLine(fmt::format("{} [y/N] ", question), std::move(stop)));
  return answer == "y" || answer == "Y" || equalsIgnoringCase(answer, "yes");
}

}  // namespace nimbus::wash
