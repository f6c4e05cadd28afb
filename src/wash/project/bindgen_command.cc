// `wash bindgen LANGUAGE WIT`.

#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "bindgen/generate.h"
#include "wash/command.h"
#include "wash/flags/flag_check.h"

namespace nimbus::wash {
namespace {

struct BindgenFlags {
  bindgen::GenerateRequest request;
  bool check = false;
};

std::string report(const std::vector<std::string>& written, std::size_t all) {
  std::vector<std::string> lines;
  for (const std::string& path : written) lines.push_back("wrote " + path);
  if (written.size() < all)
    lines.push_back(fmt::format("{} files were as they should be", all - written.size()));
  return fmt::format("{}", fmt::join(lines, "\n"));
}

// `--check`: nothing is written.
int checkFiles(const std::vector<bindgen::GeneratedFile>& files, const BindgenFlags& flags,
               OutputFormat format) {
  const std::vector<std::string> stale = bindgen::staleFiles(files, flags.request.out);
  if (stale.empty()) {
    printResult(format, "all files are as they should be", {{"stale", "[]"}});
    return kExitOk;
  }
  std::string message = "not as they should be:";
  for (const std::string& path : stale) message += " " + path;
  return reportFailure(format, Error(ErrorCode::kInvalidArgument, std::move(message)));
}

int runBindgen(const BindgenFlags& flags, const GlobalOptions& global) {
  const auto files = bindgen::generateBindings(flags.request);
  if (!files) return reportFailure(global.format, files.error());
  if (flags.check) return checkFiles(*files, flags, global.format);
  const auto written = bindgen::writeFiles(*files, flags.request.out);
  if (!written) return reportFailure(global.format, written.error());
  printResult(global.format, report(*written, files->size()), {{"written", jsonList(*written)}});
  return kExitOk;
}

}  // namespace

void addBindgenCommand(CLI::App& app, const GlobalOptions& global, Action& action) {
  CLI::App* command = app.add_subcommand("bindgen", "Make bindings of WIT interfaces");
  auto flags = std::make_shared<BindgenFlags>();
  addChoice(*command, "language", flags->request.language,
            "The language: c or go for components, cpp for wRPC",
            {{"c", "c"}, {"cpp", "cpp"}, {"go", "go"}})
      ->required();
  command
      ->add_option("wit", flags->request.wit, "A .wit file, a folder of them, or a .wasm component")
      ->required()
      ->option_text("WIT");
  command
      ->add_option("--world", flags->request.selection.world,
                   "The world whose interfaces are wanted; else the only one there is")
      ->option_text("NAME");
  command
      ->add_option("--interface", flags->request.selection.interfaces,
                   "An interface, such as wasi:keyvalue/store; may be given several times")
      ->option_text("NAME");
  command
      ->add_option("--namespace", flags->request.backend.name_space,
                   "Where the generated code stands, such as my::bindings")
      ->option_text("NAME");
  command
      ->add_option(
          "--package", flags->request.package,
          "Go: the import path of the output folder, if it is not the one by the nearest go.mod")
      ->option_text("PATH");
  command->add_option("--out", flags->request.out, "The folder to write to")
      ->capture_default_str()
      ->option_text("DIR");
  command->add_flag("--check", flags->check,
                    "Write nothing; fail if a file is missing or has another text");
  command->callback([flags, &global, &action] {
    action.set("bindgen", [flags, &global] { return runBindgen(*flags, global); });
  });
}

}  // namespace nimbus::wash
