#include "wash/input/resolve_reference.h"

#include <filesystem>

#include "wash/terminal/transfer_line.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;

Result<ResolvedComponent> pull(const oci::Reference& reference, const ReferenceFlags& flags) {
  TRY(oci::RegistryOptions options, registryOptionsOf(flags.registry));
  TRY(const auto service, startArtifactService(flags.registry));
  TransferLine line;
  oci::PullRequest request{reference, flags.pull_policy, std::move(options)};
  TRY(const oci::Pulled pulled, service->pullAndWait(std::move(request), &line));
  TRY(Bytes bytes, service->read(pulled));
  return ResolvedComponent{std::move(bytes), reference.text()};
}

}  // namespace

void addReferenceFlags(CLI::App& command, ReferenceFlags& flags) {
  addPullPolicyFlag(command, flags.pull_policy);
  addRegistryFlags(command, flags.registry);
}

bool isPinned(std::string_view argument) { return argument.contains("@sha256:"); }

Result<ResolvedComponent> resolveComponentOrReference(const std::string& argument,
                                                      const ReferenceFlags& flags,
                                                      const std::string& user_file) {
  std::error_code error;
  const bool is_file = fs::exists(argument, error) || !oci::looksLikeReference(argument);
  if (is_file && !isPinned(argument)) return resolveComponent(argument, user_file);
  TRY(const oci::Reference reference, oci::Reference::parse(argument));
  return pull(reference, flags);
}

std::string shortNameOf(const std::string& path) {
  const auto reference =
      oci::looksLikeReference(path) ? oci::Reference::parse(path) : Result<oci::Reference>();
  if (!reference || reference->repository.empty()) return fs::path(path).stem().string();
  return reference->repository.substr(reference->repository.rfind('/') + 1);
}

}  // namespace nimbus::wash
