#include "wash/flags/registry_flags.h"

#include <iostream>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/process.h"
#include "base/text.h"
#include "project/directories.h"
#include "wash/flags/flag_check.h"
#include "wash/terminal/interrupt.h"

namespace nimbus::wash {
namespace {

constexpr std::size_t kMaxPasswordBytes = 16 * 1024;
constexpr const char* kNoPassword = "a user needs a password: give --password-stdin or --password";
constexpr const char* kCaPaths = "WASH_OCI_CA_PATHS";

Result<std::string> readPassword() {
  std::string text;
  char c = 0;
  while (text.size() <= kMaxPasswordBytes && std::cin.get(c)) text += c;
  if (text.size() > kMaxPasswordBytes)
    return fail(ErrorCode::kInvalidArgument, "the password on standard input is too long");
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  if (text.empty())
    return fail(ErrorCode::kInvalidArgument, "there is no password on standard input");
  return text;
}

}  // namespace

void addCaPathFlag(CLI::App& command, const std::string& flag, const std::string& about,
                   std::vector<std::string>& paths) {
  command.add_option(flag, paths, about)
      ->envname(kCaPaths)
      ->delimiter(',')
      ->allow_extra_args(false)
      ->option_text("FILE");
}

std::vector<std::string> caPathsOfEnvironment() {
  std::vector<std::string> paths;
  const std::string value = project::processVariables()(kCaPaths).value_or("");
  for (const std::string_view path : split(value, ','))
    if (!path.empty()) paths.emplace_back(path);
  return paths;
}

void addRegistryFlags(CLI::App& command, RegistryFlags& flags) {
  command.add_flag("--insecure", flags.insecure, "Talk to the registry over HTTP, without TLS");
  addCaPathFlag(command, "--ca-path", "PEM file of more certificate authorities (repeatable)",
                flags.ca_paths);
  command
      .add_option("--max-layer-mb", flags.max_layer_mb,
                  "The largest component to download, in MiB (default 256)")
      ->check(numberFrom(1, 4096))
      ->option_text("NUMBER");
}

void addCredentialFlags(CLI::App& command, RegistryFlags& flags) {
  CLI::Option* user = command.add_option("-u,--user", flags.user,
                                         "User at the registry (else Docker's logins are used)");
  user->option_text("NAME");
  CLI::Option* password =
      command.add_option("-p,--password", flags.password, "The user's password; others may see it");
  password->option_text("TEXT")->needs(user);
  CLI::Option* from_stdin = command.add_flag("--password-stdin", flags.password_from_stdin,
                                             "Read the password from standard input");
  from_stdin->needs(user)->excludes(password);
  command.parse_complete_callback([user, password, from_stdin] {
    if (*user && !*password && !*from_stdin) throw CLI::ValidationError(kNoPassword);
  });
}

void addPullPolicyFlag(CLI::App& command, oci::PullPolicy& policy) {
  using Policy = oci::PullPolicy;
  addChoice(command, "--pull-policy", policy,
            fmt::format("When to ask the registry (default {})", pullPolicyName(policy)),
            {{"always", Policy::kAlways},
             {"ifNotPresent", Policy::kIfNotPresent},
             {"never", Policy::kNever}});
}

Result<oci::RegistryOptions> registryOptionsOf(const RegistryFlags& flags) {
  oci::RegistryOptions options;
  options.insecure = flags.insecure;
  options.max_blob_bytes = flags.max_layer_mb << 20;
  options.retry.attempts = 4;
  std::string password = flags.password;
  if (flags.password_from_stdin) {
    TRY(password, readPassword());
  }
  if (flags.user.empty() != password.empty()) {
    return fail(ErrorCode::kInvalidArgument, kNoPassword);
  }
  if (flags.user.contains(':'))
    return fail(ErrorCode::kInvalidArgument, "a user's name cannot contain a colon");
  if (!flags.user.empty()) options.credential = oci::Credential{flags.user, password, {}};
  return options;
}

Result<std::unique_ptr<oci::ArtifactService>> startArtifactService(const RegistryFlags& flags) {
  static SystemProcessRunner runner;
  oci::ArtifactServiceOptions options;
  options.ca_paths = flags.ca_paths;
  options.stop = Interrupt::current();
  return oci::ArtifactService::start(std::move(options), runner);
}

}  // namespace nimbus::wash
