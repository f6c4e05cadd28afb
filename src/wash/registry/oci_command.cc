// `wash oci pull` and `wash oci push`: components in registries.

#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/files.h"
#include "base/text.h"
#include "wash/command.h"
#include "wash/flags/flag_check.h"
#include "wash/flags/registry_flags.h"
#include "wash/input/project_input.h"
#include "wash/input/resolve_component.h"
#include "wash/output/output_file.h"
#include "wash/registry/oci_annotations.h"
#include "wash/terminal/interrupt.h"
#include "wash/terminal/status_text.h"
#include "wash/terminal/transfer_line.h"

namespace nimbus::wash {
namespace {

namespace fs = std::filesystem;

// Keys shared with hooks (docs/commands/oci.md).
constexpr const char* kReferenceKey = "oci.reference";
constexpr const char* kPathKey = "oci.path";
constexpr const char* kDigestKey = "oci.digest";
constexpr const char* kAnnotationsKey = "oci.annotations";

struct OciFlags {
  std::string reference;
  std::string path = "component.wasm";
  oci::PullPolicy pull_policy = oci::PullPolicy::kAlways;
  std::vector<std::string> annotations;
  RegistryFlags registry;
};

Result<void> tell(plugin::HookContext& context, const char* key, std::string value) {
  TRY_VOID(context.set(key, std::move(value)));
  return {};
}

// --- pull ---

struct PullOutcome {
  oci::Pulled pulled;
  std::string path;
};

Result<PullOutcome> pull(const OciFlags& flags, plugin::HookContext& context) {
  TRY(const oci::Reference reference, oci::Reference::parse(flags.reference));
  TRY(const std::string output, outputFile(flags.path));
  TRY(oci::RegistryOptions options, registryOptionsOf(flags.registry));
  TRY(const auto service, startArtifactService(flags.registry));
  TransferLine line;
  oci::PullRequest request{reference, flags.pull_policy, std::move(options)};
  TRY(oci::Pulled pulled, service->pullAndWait(std::move(request), &line));
  TRY(const Bytes bytes, service->read(pulled));
  TRY_VOID(replaceFile(output, bytes.view(), 0666));
  TRY_VOID(tell(context, kReferenceKey, reference.text()));
  TRY_VOID(tell(context, kDigestKey, pulled.digest.text()));
  TRY_VOID(tell(context, kPathKey, flags.path));
  return PullOutcome{std::move(pulled), flags.path};
}

int runPull(const OciFlags& flags, const GlobalOptions& global, plugin::HookContext& context) {
  const Interrupt interrupt;
  const auto outcome = pull(flags, context);
  if (!outcome) return reportFailure(global.format, outcome.error(), interrupt);
  const oci::Pulled& pulled = outcome->pulled;
  const std::string reference = pulled.reference.text();
  printResult(global.format,
              fmt::format("Pulled {} to {} ({}{}, {})", reference, outcome->path,
                          byteText(static_cast<double>(pulled.bytes)),
                          pulled.downloaded ? "" : " from the cache", pulled.digest.text()),
              {{"output_path", jsonText(outcome->path)},
               {"bytes", std::to_string(pulled.bytes)},
               {"digest", jsonText(pulled.digest.text())},
               {"reference", jsonText(reference)}});
  return kExitOk;
}

// --- push ---

// When the artifact was made: as SOURCE_DATE_EPOCH says, or when the file was last written, so that
// pushing it again gives the same digest.
Result<std::chrono::system_clock::time_point> creationOf(const std::string& path) {
  if (const char* epoch = std::getenv("SOURCE_DATE_EPOCH"); epoch != nullptr && *epoch != '\0') {
    const auto seconds = parseDecimal(epoch);
    if (!seconds || *seconds > 253'402'300'799ULL)
      return fail(ErrorCode::kInvalidArgument, "SOURCE_DATE_EPOCH is not a number of seconds");
    return std::chrono::system_clock::time_point(std::chrono::seconds(*seconds));
  }
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return failErrno("cannot read " + path, errno);
  return std::chrono::system_clock::from_time_t(status.st_mtime);
}

// What hooks say, and the command line on top.
Result<oci::Annotations> annotationsOf(const OciFlags& flags, const plugin::HookContext& context) {
  auto from_hooks = parseHookAnnotations(context.get(kAnnotationsKey).value_or(""));
  if (!from_hooks) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("a hook left something wrong in {}", kAnnotationsKey),
                from_hooks.error());
  }
  oci::Annotations annotations = *std::move(from_hooks);
  for (const std::string& text : flags.annotations) {
    TRY(auto annotation, parseAnnotation(text));
    annotations[annotation.first] = std::move(annotation.second);
  }
  return annotations;
}

struct PushOutcome {
  oci::Reference reference;
  oci::Artifacts::Pushed pushed;
  std::uint64_t bytes;
};

Result<PushOutcome> push(const OciFlags& flags, const std::string& user_file,
                         plugin::HookContext& context) {
  TRY(const oci::Reference reference, oci::Reference::parse(flags.reference));
  TRY(ResolvedComponent component, resolveComponent(flags.path, user_file));
  TRY(const oci::Annotations annotations, annotationsOf(flags, context));
  TRY(const auto created, creationOf(component.path));
  auto artifact = oci::describeWasm(std::move(component.bytes), annotations, created);
  if (!artifact)
    return fail(artifact.error().code(), "cannot push " + component.path, artifact.error());
  const std::uint64_t bytes = artifact->layer.size();
  TRY(oci::RegistryOptions options, registryOptionsOf(flags.registry));
  TRY(const auto service, startArtifactService(flags.registry));
  TransferLine line;
  TRY(oci::Artifacts::Pushed pushed,
      service->pushAndWait(reference, *std::move(artifact), std::move(options), &line));
  TRY_VOID(tell(context, kReferenceKey, reference.text()));
  TRY_VOID(tell(context, kDigestKey, pushed.digest.text()));
  return PushOutcome{reference, std::move(pushed), bytes};
}

int runPush(const OciFlags& flags, const GlobalOptions& global, plugin::HookContext& context) {
  const Interrupt interrupt;
  const auto outcome = push(flags, global.user_config, context);
  if (!outcome) return reportFailure(global.format, outcome.error(), interrupt);
  const std::string reference = outcome->reference.text();
  const std::string& digest = outcome->pushed.digest.text();
  printResult(
      global.format,
      fmt::format("Pushed {} ({}{}, {})", reference, byteText(static_cast<double>(outcome->bytes)),
                  outcome->pushed.uploaded ? "" : " that the registry had already", digest),
      {{"digest", jsonText(digest)},
       {"reference", jsonText(reference)},
       {"bytes", std::to_string(outcome->bytes)}});
  return kExitOk;
}

// --- the command line ---

CLI::App* addSubcommand(CLI::App& oci, const char* name, const char* about,
                        const std::shared_ptr<OciFlags>& flags) {
  CLI::App* command = oci.add_subcommand(name, about);
  command->add_option("reference", flags->reference, "Such as ghcr.io/acme/web:1.0")
      ->required()
      ->check(acceptedBy(oci::Reference::parse))
      ->option_text("REFERENCE");
  addCredentialFlags(*command, flags->registry);
  addRegistryFlags(*command, flags->registry);
  return command;
}

void addPull(CLI::App& oci, const GlobalOptions& global, Action& action) {
  auto flags = std::make_shared<OciFlags>();
  CLI::App* command = addSubcommand(oci, "pull", "Download a component", flags);
  command->add_option("path", flags->path, "The file to write it to (default component.wasm)")
      ->option_text("PATH");
  addPullPolicyFlag(*command, flags->pull_policy);
  command->callback([flags, &global, &action] {
    action.set("oci pull", {{kReferenceKey, flags->reference}, {kPathKey, flags->path}},
               [flags, &global](plugin::HookContext& context) {
                 return runPull(*flags, global, context);
               });
  });
}

void addPush(CLI::App& oci, const GlobalOptions& global, Action& action) {
  auto flags = std::make_shared<OciFlags>();
  CLI::App* command = addSubcommand(oci, "push", "Upload a component", flags);
  command->add_option("path", flags->path, "A .wasm file, or a project's folder")
      ->required()
      ->option_text("PATH");
  command
      ->add_option("--annotation", flags->annotations,
                   "Of the artifact's manifest (repeatable); an empty value takes one away")
      ->check(acceptedBy(parseAnnotation))
      ->allow_extra_args(false)
      ->option_text("KEY=VALUE");
  command->callback([flags, &global, &action] {
    plugin::HookContext::Entries inputs{{kReferenceKey, flags->reference}, {kPathKey, flags->path}};
    oci::Annotations given;
    for (const std::string& text : flags->annotations)
      if (auto annotation = parseAnnotation(text)) given.insert(*annotation);
    if (!given.empty()) inputs[kAnnotationsKey] = hookAnnotations(given);
    putProject(flags->path, inputs);
    action.set("oci push", std::move(inputs), [flags, &global](plugin::HookContext& context) {
      return runPush(*flags, global, context);
    });
  });
}

}  // namespace

void addOciCommand(CLI::App& app, const GlobalOptions& global, Action& action) {
  CLI::App* oci = app.add_subcommand("oci", "Components in OCI registries");
  oci->alias("docker");
  oci->require_subcommand(1);
  addPull(*oci, global, action);
  addPush(*oci, global, action);
}

}  // namespace nimbus::wash
