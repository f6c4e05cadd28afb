// Go's own compiler: a library of preview 1 for the world in `wit/`, or without one a command.

#include <filesystem>
#include <system_error>

#include <fmt/format.h>

#include "base/text.h"
#include "project/languages/go_version.h"
#include "project/languages/languages.h"
#include "project/languages/results.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

class GoBuilder final : public LanguageBuilder {
 public:
  [[nodiscard]] std::string_view language() const override { return "go"; }

  [[nodiscard]] std::string marker(const fs::path& folder) const override {
    return goModOf(folder) == GoModKind::kStock ? "go.mod" : "";
  }

  [[nodiscard]] Result<BuildPlan> plan(const BuildContext& context) const override {
    TRY(const std::string go,
        context.tools.need("go", "Go projects", "install Go 1.24 or newer from https://go.dev/dl"));
    TRY_VOID(checkVersion(go, context.tools));
    const std::string output = context.coreModule().string();
    BuildStep build{.arguments = {go, "build", "-trimpath"},
                    .environment = {{"GOOS", "wasip1"}, {"GOARCH", "wasm"}}};
    std::error_code error;
    if (fs::is_directory(context.folder / context.request.config.wit.wit_dir, error)) {
      build.arguments.emplace_back("-buildmode=c-shared");
    }
    // What bindings run on reaches into Go's runtime for memory that Go does not move.
    build.arguments.emplace_back(context.debug() ? "-ldflags=-checklinkname=0"
                                                 : "-ldflags=-s -w -checklinkname=0");
    append(build.arguments, {"-o", output});
    append(build.arguments, context.request.arguments);
    build.arguments.emplace_back(".");
    // Without GOOS: it runs programs of this machine.
    BuildStep generate{.arguments = {go, "generate", "./..."}};
    if (const fs::path wash = context.request.wash; wash.has_parent_path()) {
      // Another program may have our name and stand before us.
      generate.environment = {{"PATH", wash.parent_path().string() + ":" + context.tools.path()}};
    }
    return BuildPlan{.steps = {std::move(generate), std::move(build)}};
  }

  [[nodiscard]] Result<fs::path> locate(const BuildContext& context,
                                        std::string_view) const override {
    return context.coreModule();
  }

 private:
  // Functions are exported since 1.24.
  [[nodiscard]] static Result<void> checkVersion(const std::string& go, const Toolbox& tools) {
    const auto answer = tools.ask({go, "env", "GOVERSION"});
    const auto version = parseGoVersion(answer.value_or(""));
    if (!version || *version >= GoVersion{1, 24}) return {};
    return fail(ErrorCode::kNotFound,
                fmt::format("{} is {}, and components need Go 1.24 or newer: https://go.dev/dl", go,
                            *answer));
  }
};

}  // namespace

const LanguageBuilder& goBuilder() {
  static const GoBuilder kBuilder;
  return kBuilder;
}

}  // namespace nimbus::project
