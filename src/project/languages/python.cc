// Python: componentize-py, of the project's virtual environment or from PATH.

#include <array>
#include <filesystem>
#include <string>
#include <system_error>

#include <fmt/format.h>

#include "project/languages/languages.h"
#include "project/languages/results.h"
#include "project/project_world.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

constexpr std::string_view kManifest = "pyproject.toml";
constexpr std::string_view kVersion = "0.25.1";  // that templates are tested with

// Where a program's main module is looked for: module, and the folder it is imported from.
struct MainModule {
  std::string_view file;
  std::string_view module;
  std::string_view folder;
};
constexpr std::array<MainModule, 4> kMainModules = {{{"app.py", "app", "."},
                                                     {"main.py", "main", "."},
                                                     {"src/app.py", "app", "src"},
                                                     {"src/main.py", "main", "src"}}};

Result<MainModule> findMainModule(const fs::path& folder) {
  for (const MainModule& candidate : kMainModules) {
    if (isThere(folder / candidate.file)) return candidate;
  }
  return fail(ErrorCode::kNotFound,
              fmt::format("{} has none of app.py, main.py, src/app.py, src/main.py: set "
                          "build.command in .wash/config.yaml",
                          folder.string()));
}

class PythonBuilder final : public LanguageBuilder {
 public:
  [[nodiscard]] std::string_view language() const override { return "python"; }

  [[nodiscard]] std::string marker(const fs::path& folder) const override {
    return isThere(folder / kManifest) ? std::string(kManifest) : std::string();
  }

  [[nodiscard]] Result<BuildPlan> plan(const BuildContext& context) const override {
    const fs::path venv = context.folder / ".venv";
    const fs::path own = venv / "bin" / "componentize-py";
    BuildStep step;
    if (isThere(own)) {
      step.arguments.push_back(own.string());
      step.environment = {{"VIRTUAL_ENV", venv.string()}};
    } else {
      TRY(step.arguments.emplace_back(),
          context.tools.need("componentize-py", "Python projects",
                             fmt::format("python3 -m venv .venv && .venv/bin/pip install "
                                         "componentize-py=={}",
                                         kVersion)));
    }
    const fs::path wit = context.request.config.wit.wit_dir;
    TRY(const ProjectWorld world,
        readProjectWorld(context.folder / wit, context.request.config.build.world));
    TRY(const MainModule main, findMainModule(context.folder));
    append(step.arguments, {"-d", wit.string(), "-w", world.name, "componentize",
                            std::string(main.module), "-p", std::string(main.folder)});
    append(step.arguments, std::vector<std::string>{"-o", context.output.string()});
    append(step.arguments, context.request.arguments);
    return BuildPlan{.steps = {std::move(step)}};
  }

  [[nodiscard]] Result<fs::path> locate(const BuildContext& context,
                                        std::string_view) const override {
    return context.output;
  }
};

}  // namespace

const LanguageBuilder& pythonBuilder() {
  static const PythonBuilder kBuilder;
  return kBuilder;
}

}  // namespace nimbus::project
