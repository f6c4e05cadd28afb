// JavaScript and TypeScript: the script `build` of package.json, by the project's package manager.

#include <array>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include <fmt/format.h>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>

#include "base/escape.h"

#include "project/languages/languages.h"
#include "project/languages/package_manager.h"
#include "project/languages/results.h"
#include "project/version_range.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;
namespace json = boost::json;

constexpr std::string_view kManifest = "package.json";
constexpr std::size_t kMaxManifestBytes = std::size_t{4} << 20;
constexpr std::array<std::string_view, 4> kResultFolders = {"dist", "build", "out", "."};

Result<json::object> readManifest(const fs::path& folder) {
  const fs::path path = folder / kManifest;
  std::ifstream file(path, std::ios::binary);
  std::string text(kMaxManifestBytes, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error || !value.is_object())
    return fail(ErrorCode::kInvalidArgument, path.string() + " is not a JSON object");
  return std::move(value.get_object());
}

bool hasScript(const json::object& manifest, std::string_view script) {
  const json::value* scripts = manifest.if_contains("scripts");
  if (scripts == nullptr || !scripts->is_object()) return false;
  const json::value* found = scripts->get_object().if_contains(script);
  return found != nullptr && found->is_string();
}

Result<void> checkNode(const std::string& node, const std::string& wanted, const Toolbox& tools) {
  if (wanted.empty()) return {};
  const auto range = VersionRange::ofNpm(wanted);
  if (!range)
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("build.typescript.node_version: {} says no versions of Node.js; \"22\" "
                            "and \">=20 <25\" do",
                            inQuotes(wanted)));
  const auto version = ToolVersion::findIn(tools.ask({node, "--version"}).value_or(""));
  if (!version || range->contains(*version)) return {};
  return fail(ErrorCode::kNotFound,
              fmt::format("{} is {}, and build.typescript.node_version asks for {}: "
                          "https://nodejs.org/en/download",
                          node, version->text(), wanted));
}

class JavaScriptBuilder final : public LanguageBuilder {
 public:
  [[nodiscard]] std::string_view language() const override { return "javascript"; }

  [[nodiscard]] std::string marker(const fs::path& folder) const override {
    return isThere(folder / kManifest) ? std::string(kManifest) : std::string();
  }

  [[nodiscard]] Result<BuildPlan> plan(const BuildContext& context) const override {
    constexpr std::string_view kWho = "JavaScript projects";
    const TypeScriptSettings settings =
        context.request.config.build.typescript.value_or(TypeScriptSettings{});
    TRY(const json::object manifest, readManifest(context.folder));
    if (!hasScript(manifest, settings.build_command))
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("package.json has no script \"{}\": add one, such as \"jco "
                              "componentize src/app.js --wit wit --out dist/app.wasm\"",
                              settings.build_command));
    if (settings.source_maps)
      return fail(ErrorCode::kUnsupported,
                  fmt::format("build.typescript.source_maps is not supported: whether there are "
                              "source maps is said by the script \"{}\" of package.json",
                              settings.build_command));
    TRY(const std::string node, context.tools.need("node", kWho,
                                                   "install Node.js 20 or newer from "
                                                   "https://nodejs.org"));
    TRY_VOID(checkNode(node, settings.node_version, context.tools));
    const std::string name = packageManagerOf(context.folder, settings);
    TRY(const std::string manager,
        context.tools.need(name, kWho,
                           name == "npm" ? "it comes with Node.js"
                                         : fmt::format("npm install --global {}", name)));
    BuildPlan plan;
    if (!settings.skip_install && !isThere(context.folder / "node_modules")) {
      plan.steps.push_back({.arguments = {manager, "install"}});
    }
    BuildStep build{.arguments = {manager, "run", settings.build_command}};
    if (!settings.build_flags.empty() || !context.request.arguments.empty()) {
      if (name == "npm") build.arguments.emplace_back("--");
      append(build.arguments, settings.build_flags);
      append(build.arguments, context.request.arguments);
    }
    plan.steps.push_back(std::move(build));
    return plan;
  }

  [[nodiscard]] Result<fs::path> locate(const BuildContext& context,
                                        std::string_view) const override {
    if (isWasmFile(context.output)) return context.output;
    for (const std::string_view folder : kResultFolders) {
      const std::vector<fs::path> files = findWasmFiles(context.folder / folder, 0);
      if (!files.empty()) return onlyResult(files, "the script");
    }
    return onlyResult({}, "the script");
  }
};

}  // namespace

const LanguageBuilder& javascriptBuilder() {
  static const JavaScriptBuilder kBuilder;
  return kBuilder;
}

}  // namespace nimbus::project
