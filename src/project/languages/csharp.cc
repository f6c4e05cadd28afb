// C#: dotnet, whose packages make the component.

#include <filesystem>
#include <system_error>

#include "project/languages/languages.h"
#include "project/languages/results.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

constexpr int kResultDepth = 5;  // bin/Release/net10.0/wasi-wasm/native

class CSharpBuilder final : public LanguageBuilder {
 public:
  [[nodiscard]] std::string_view language() const override { return "csharp"; }

  [[nodiscard]] std::string marker(const fs::path& folder) const override {
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
      if (it->path().extension() == ".csproj") return it->path().filename().string();
    }
    return {};
  }

  [[nodiscard]] Result<BuildPlan> plan(const BuildContext& context) const override {
    TRY(const std::string dotnet,
        context.tools.need("dotnet", "C# projects",
                           "install the .NET SDK from https://dotnet.microsoft.com/download"));
    BuildStep step{.arguments = {dotnet, "build", "-c", configuration(context)}};
    append(step.arguments, context.request.arguments);
    return BuildPlan{.steps = {std::move(step)}};
  }

  [[nodiscard]] Result<fs::path> locate(const BuildContext& context,
                                        std::string_view) const override {
    const fs::path folder = context.folder / "bin" / configuration(context);
    std::vector<fs::path> native;
    std::vector<fs::path> all = findWasmFiles(folder, kResultDepth);
    for (const fs::path& file : all) {
      if (file.parent_path().filename() == "native") native.push_back(file);
    }
    return onlyResult(native.empty() ? all : native, "dotnet");
  }

 private:
  [[nodiscard]] static std::string configuration(const BuildContext& context) {
    return context.debug() ? "Debug" : "Release";
  }
};

}  // namespace

const LanguageBuilder& csharpBuilder() {
  static const CSharpBuilder kBuilder;
  return kBuilder;
}

}  // namespace nimbus::project
