// Rust: cargo, with whichever target the machine has.

#include <algorithm>
#include <filesystem>
#include <optional>

#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/text.h"
#include "project/languages/languages.h"
#include "project/languages/results.h"
#include "project/languages/rust_toolchain.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view kManifest = "Cargo.toml";

// A WebAssembly file that cargo says it has made.
struct Artifact {
  fs::path file;
  fs::path manifest;
};

std::string textOf(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return std::string(value->get_string());
}

// https://doc.rust-lang.org/cargo/reference/external-tools.html#json-messages
void addArtifacts(std::string_view line, std::vector<Artifact>& artifacts) {
  boost::system::error_code error;
  const json::value message = json::parse(line, error);
  const json::object* object = error ? nullptr : message.if_object();
  if (object == nullptr || textOf(*object, "reason") != "compiler-artifact") return;
  const json::value* files = object->if_contains("filenames");
  if (files == nullptr || !files->is_array()) return;
  for (const json::value& file : files->get_array()) {
    if (!file.is_string()) continue;
    fs::path path(std::string(file.get_string()));
    if (path.extension() == ".wasm") {
      artifacts.push_back({std::move(path), textOf(*object, "manifest_path")});
    }
  }
}

class RustBuilder final : public LanguageBuilder {
 public:
  [[nodiscard]] std::string_view language() const override { return "rust"; }

  [[nodiscard]] std::string marker(const fs::path& folder) const override {
    std::error_code error;
    return fs::is_regular_file(folder / kManifest, error) ? std::string(kManifest) : std::string();
  }

  [[nodiscard]] Result<BuildPlan> plan(const BuildContext& context) const override {
    const RustSettings settings = context.request.config.build.rust.value_or(RustSettings{});
    TRY(const RustToolchain rust, findRustToolchain(context.tools, settings.target));
    BuildStep step{.arguments = {rust.cargo, "build", "--target", rust.target,
                                 "--message-format=json-render-diagnostics"},
                   .environment = rust.environment,
                   .reads_output = true};
    std::vector<std::string>& arguments = step.arguments;
    if (!context.debug()) arguments.emplace_back("--release");
    if (settings.no_default_features) arguments.emplace_back("--no-default-features");
    for (const std::string& feature : settings.features) {
      arguments.emplace_back("--features");
      arguments.push_back(feature);
    }
    append(arguments, settings.cargo_flags);
    append(arguments, rust.arguments);
    append(arguments, context.request.arguments);
    BuildPlan plan{.steps = {std::move(step)}};
    if (!rust.note.empty()) plan.notes.push_back(rust.note);
    return plan;
  }

  [[nodiscard]] Result<fs::path> locate(const BuildContext& context,
                                        std::string_view output) const override {
    std::vector<Artifact> artifacts;
    for (const std::string_view line : split(output, '\n')) addArtifacts(line, artifacts);
    // Of a workspace that is built as a whole, the package in this folder.
    const auto isOwn = [&](const Artifact& artifact) {
      std::error_code error;
      return fs::equivalent(artifact.manifest, context.folder / kManifest, error);
    };
    std::vector<fs::path> all;
    std::vector<fs::path> own;
    for (const Artifact& artifact : artifacts) {
      all.push_back(artifact.file);
      if (isOwn(artifact)) own.push_back(artifact.file);
    }
    if (all.empty())
      return fail(ErrorCode::kNotFound,
                  "cargo has made no WebAssembly file: the package needs a library with "
                  "crate-type = [\"cdylib\"], or a program");
    return onlyResult(own.empty() ? all : own, "cargo");
  }
};

}  // namespace

const LanguageBuilder& rustBuilder() {
  static const RustBuilder kBuilder;
  return kBuilder;
}

}  // namespace nimbus::project
