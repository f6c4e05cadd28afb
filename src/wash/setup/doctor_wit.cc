#include "wash/setup/doctor_wit.h"

#include <filesystem>
#include <map>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

#include "wash/project/wit_fetch.h"
#include "wit/packages.h"
#include "witdeps/source.h"
#include "witdeps/wit_folder.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;

// What the main package of the project needs; nothing if there is none, or it cannot be read, which
// a build says better.
std::vector<wit::PackageRef> neededPackages(const fs::path& wit) {
  std::error_code error;
  if (!fs::is_directory(wit, error)) return {};
  const auto folder = witdeps::WitFolder::read(wit);
  if (!folder || folder->main().empty()) return {};
  const auto about = wit::packageNeeds(folder->main());
  return about ? about->needs : std::vector<wit::PackageRef>();
}

// The OCI registry of a package that no entry of `wit.sources` is about, if the user has configured
// one for it.
std::string registryOf(const wit::PackageRef& package, const project::WitSettings& settings,
                       const witdeps::RegistryMap& registries) {
  const auto source = witdeps::sourceFor(settings.sources, package);
  if (!source || *source) return {};
  const auto registry = registries.find(package);
  if (!registry || !registry->configured) return {};
  return registry->metadata ? registry->metadata->registry : registry->name;
}

}  // namespace

void addWitSources(const project::WitSettings& settings, project::DoctorRequest& request) {
  if (const auto right = witdeps::checkSources(settings.sources); !right)
    request.wit_problems.push_back(right.error().describe());
  const auto registries = witRegistries(settings);
  if (!registries) {
    request.wit_problems.push_back(registries.error().describe());
    return;
  }
  std::map<std::string, bool> uses;
  const auto add = [&](const std::string& registry) {
    if (!registry.empty()) uses[registry] = registries->loginFor(registry).has_value();
  };
  for (const auto& [key, text] : settings.sources) {
    const auto source = witdeps::parseSource(text);
    if (!source) continue;
    if (const auto* oci = std::get_if<witdeps::OciSource>(&*source)) add(oci->registry);
  }
  for (const wit::PackageRef& package :
       neededPackages(fs::path(request.project.folder) / settings.wit_dir))
    add(registryOf(package, settings, *registries));
  for (const auto& [registry, known] : uses) request.wit_registries.push_back({registry, known});
}

}  // namespace nimbus::wash
