#include "oci/credentials.h"

#include <cstdlib>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/files.h"
#include "base/text.h"

namespace nimbus::oci {
namespace {

constexpr std::size_t kMaxConfigBytes = 1024 * 1024;
constexpr std::size_t kMaxAnswerBytes = 64 * 1024;
constexpr std::size_t kMaxPasswordFileBytes = 16 * 1024;
constexpr std::size_t kMaxShownBytes = 512;
constexpr Duration kHelperTimeout = std::chrono::seconds(20);

// What programs say that know of no such registry.
constexpr std::string_view kNotThere = "credentials not found in native keychain";

std::string shown(std::string_view text) { return escaped(trim(text).substr(0, kMaxShownBytes)); }

// Nothing if the program knows no credential.
Result<std::optional<Credential>> askHelper(ProcessRunner& runner, const std::string& name,
                                            const std::string& server) {
  const std::string program = "docker-credential-" + name;
  ProcessSpec spec;
  spec.arguments = {program, "get"};
  spec.input = server + "\n";
  spec.max_output_bytes = kMaxAnswerBytes;
  spec.timeout = kHelperTimeout;
  const auto outcome = runner.run(spec);
  if (!outcome) {
    return fail(outcome.error().code(), fmt::format("cannot ask {} for credentials", program),
                outcome.error());
  }
  if (!outcome->ok()) {
    if (outcome->output.contains(kNotThere)) return std::nullopt;
    const std::string& said = outcome->error.empty() ? outcome->output : outcome->error;
    return fail(ErrorCode::kUnavailable, fmt::format("{} ended with status {}: {}", program,
                                                     outcome->exit_status, shown(said)));
  }
  auto credential = parseHelperAnswer(outcome->output);
  if (!credential) {
    return fail(credential.error().code(), fmt::format("cannot use {}", program),
                credential.error());
  }
  return *std::move(credential);
}

}  // namespace

Result<std::optional<Credential>> DockerCredentials::find(const std::string& registry) {
  if (config_path_.empty()) return std::nullopt;
  const auto text = readFile(config_path_, kMaxConfigBytes);
  if (!text && text.error().code() == ErrorCode::kNotFound) return std::nullopt;
  if (!text) return std::unexpected(text.error());
  auto entry = parseDockerConfig(*text, registry);
  if (!entry)
    return fail(entry.error().code(), fmt::format("cannot use {}", config_path_), entry.error());
  if (entry->helper.empty()) return std::move(entry->credential);
  auto answer = askHelper(runner_, entry->helper, entry->server);
  // A store for everything that is not installed must not keep anonymous pulls from working.
  const bool missing = !answer && answer.error().code() == ErrorCode::kNotFound;
  if (missing && !entry->helper_is_certain) return std::move(entry->credential);
  if (!answer || *answer) return answer;
  return std::move(entry->credential);
}

Result<std::optional<Credential>> FileCredentials::find(const std::string& registry) {
  for (const FileLogin& login : logins_) {
    if (login.registry != registry) continue;
    TRY(const std::string text, readFile(login.password_file, kMaxPasswordFileBytes));
    const std::string_view line = trim(std::string_view(text).substr(0, text.find('\n')));
    if (line.empty()) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("there is no password in {}", login.password_file));
    }
    return Credential{login.user, std::string(line), {}};
  }
  return others_.find(registry);
}

std::string DockerCredentials::defaultPath() {
  if (const char* folder = std::getenv("DOCKER_CONFIG"); folder != nullptr && *folder != '\0')
    return std::string(folder) + "/config.json";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0')
    return std::string(home) + "/.docker/config.json";
  return {};
}

}  // namespace nimbus::oci
