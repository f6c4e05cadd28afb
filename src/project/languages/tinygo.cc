// Go by TinyGo, which makes components itself with the help of wasm-tools.

#include <filesystem>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "project/languages/go_version.h"
#include "project/languages/languages.h"
#include "project/project_world.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

Result<void> addWorld(const BuildContext& context, const TinyGoSettings& settings,
                      std::vector<std::string>& arguments) {
  const fs::path wit =
      settings.wit_package.empty() ? context.request.config.wit.wit_dir : settings.wit_package;
  std::error_code error;
  if (!fs::exists(context.folder / wit, error)) return {};
  std::string world = settings.wit_world;
  if (world.empty()) {
    TRY(const ProjectWorld found,
        readProjectWorld(context.folder / wit, context.request.config.build.world));
    world = found.name;
  }
  append(arguments, std::vector<std::string>{"-wit-package", wit.string(), "-wit-world", world});
  return {};
}

std::vector<std::string> flagsOf(const TinyGoSettings& settings, bool debug) {
  std::vector<std::string> flags = {"-target", settings.target, "-scheduler", settings.scheduler,
                                    "-gc",     settings.gc,     "-opt",       settings.opt,
                                    "-panic",  settings.panic};
  if (settings.no_debug && !debug) flags.emplace_back("-no-debug");
  if (!settings.stack_size.empty()) {
    append(flags, {"-stack-size", settings.stack_size});
  }
  if (!settings.tags.empty()) {
    flags.emplace_back("-tags");
    flags.push_back(fmt::format("{}", fmt::join(settings.tags, " ")));
  }
  append(flags, settings.build_flags);
  return flags;
}

class TinyGoBuilder final : public LanguageBuilder {
 public:
  [[nodiscard]] std::string_view language() const override { return "tinygo"; }

  [[nodiscard]] std::string marker(const fs::path& folder) const override {
    return goModOf(folder) == GoModKind::kTinyGo ? "go.mod" : "";
  }

  [[nodiscard]] Result<BuildPlan> plan(const BuildContext& context) const override {
    constexpr std::string_view kWho = "projects for TinyGo";
    const TinyGoSettings settings = context.request.config.build.tinygo.value_or(TinyGoSettings{});
    TRY(const std::string go, context.tools.need("go", kWho, "install it from https://go.dev/dl"));
    TRY(const std::string tinygo,
        context.tools.need("tinygo", kWho,
                           "install it from https://tinygo.org/getting-started/install"));
    TRY_VOID(context.tools.need("wasm-tools", kWho,
                                "cargo install wasm-tools, or a release from "
                                "https://github.com/bytecodealliance/wasm-tools/releases"));
    BuildPlan plan;
    if (!settings.disable_go_generate) {
      plan.steps.push_back({.arguments = {go, "generate", "./..."}});
    }
    BuildStep build{.arguments = {tinygo, "build"}};
    append(build.arguments, flagsOf(settings, context.debug()));
    TRY_VOID(addWorld(context, settings, build.arguments));
    append(build.arguments, {"-o", context.output.string()});
    append(build.arguments, context.request.arguments);
    build.arguments.emplace_back(".");
    plan.steps.push_back(std::move(build));
    return plan;
  }

  [[nodiscard]] Result<fs::path> locate(const BuildContext& context,
                                        std::string_view) const override {
    return context.output;
  }
};

}  // namespace

const LanguageBuilder& tinygoBuilder() {
  static const TinyGoBuilder kBuilder;
  return kBuilder;
}

}  // namespace nimbus::project
