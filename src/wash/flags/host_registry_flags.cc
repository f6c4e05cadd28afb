#include "wash/flags/host_registry_flags.h"

#include <CLI/CLI.hpp>

#include "base/files.h"
#include "wash/flags/flag_check.h"
#include "wash/flags/guest_options.h"
#include "wash/flags/registry_flags.h"

namespace nimbus::wash {

void addHostRegistryFlags(CLI::App& command, HostRegistryFlags& flags) {
  command.add_flag("--allow-insecure-registries", flags.allow_insecure,
                   "Talk to all registries over HTTP, without TLS");
  addCaPathFlag(command, "--oci-ca-path",
                "PEM file of more certificate authorities of registries (repeatable)",
                flags.ca_paths);
  command
      .add_option("--registry-pull-timeout", flags.pull_timeout,
                  "How long pulling an image may take (default 30s)")
      ->check(acceptedBy(parseDuration))
      ->option_text("DURATION");
  command.add_option("--oci-cache-dir", flags.cache_folder, "Where pulled images are kept")
      ->option_text("FOLDER");
}

Result<host::ImageOptions> imageOptionsOf(const HostRegistryFlags& flags,
                                          host::ImageOptions settings) {
  if (flags.allow_insecure) settings.insecure_registries = {"*"};
  if (!flags.ca_paths.empty()) settings.service.ca_paths = flags.ca_paths;
  if (!flags.pull_timeout.empty()) {
    TRY(settings.pull_timeout, parseDuration(flags.pull_timeout));
  }
  if (!flags.cache_folder.empty()) {
    TRY(settings.service.cache_folder, absolutePath(flags.cache_folder));
  }
  return settings;
}

}  // namespace nimbus::wash
