#include "project/toolbox.h"

#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "base/text.h"

namespace nimbus::project {

namespace {

constexpr Duration kAnswerTime = std::chrono::seconds(10);
constexpr std::size_t kMaxAnswerBytes = std::size_t{1} << 20;

}  // namespace

Toolbox::Toolbox(ProcessRunner& runner, std::string path_variable, std::string folder,
                 std::stop_token stop)
    : runner_(runner),
      path_variable_(std::move(path_variable)),
      folder_(std::move(folder)),
      stop_(std::move(stop)) {}

std::optional<std::string> Toolbox::find(std::string_view program) const {
  Result<std::string> found = findProgram(program, path_variable_);
  if (!found) return std::nullopt;
  return *std::move(found);
}

std::optional<std::string> Toolbox::findAny(const std::vector<std::string>& programs) const {
  for (const std::string& program : programs) {
    if (auto found = find(program)) return found;
  }
  return std::nullopt;
}

Result<std::string> Toolbox::need(std::string_view program, std::string_view who,
                                  std::string_view how) const {
  if (auto found = find(program)) return *std::move(found);
  return fail(ErrorCode::kNotFound,
              fmt::format("{} need {}, which is not on PATH: {}", who, program, how));
}

std::optional<std::string> Toolbox::ask(
    std::vector<std::string> arguments,
    std::vector<std::pair<std::string, std::string>> environment) const {
  environment.emplace_back("PATH", path_variable_);
  const Result<ProcessOutcome> answer = runner_.run({.arguments = std::move(arguments),
                                                     .folder = folder_,
                                                     .environment = std::move(environment),
                                                     .max_output_bytes = kMaxAnswerBytes,
                                                     .timeout = kAnswerTime,
                                                     .stop = stop_});
  if (!answer || !answer->ok()) return std::nullopt;
  return std::string(trim(answer->output));
}

}  // namespace nimbus::project
