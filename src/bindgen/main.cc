// nimbus-bindgen: bindings of WIT interfaces for our own build (cmake/Bindings.cmake). For users
// there is `wash bindgen`.

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "bindgen/generate.h"

namespace nimbus::bindgen {
namespace {

struct Options {
  GenerateRequest request;
  std::string out;
  // What must come out, without extensions: the build declares it as the outputs of this program.
  std::vector<std::string> expected;
};

int complain(const std::string& message) {
  std::fprintf(stderr, "nimbus-bindgen: %s\n", message.c_str());
  return 1;
}

int run(Options options) {
  const Result<std::vector<GeneratedFile>> files = generateBindings(options.request);
  if (!files) return complain(files.error().describe());
  std::vector<std::string> made;
  for (const GeneratedFile& file : *files) {
    if (file.path.ends_with(".h")) made.push_back(file.path.substr(0, file.path.size() - 2));
  }
  std::ranges::sort(made);
  std::ranges::sort(options.expected);
  if (made != options.expected) {
    std::string list;
    for (const std::string& name : made) list += "\n  " + name;
    return complain("FILES must be:" + list);
  }
  const auto written = writeFiles(*files, options.out);
  return written ? 0 : complain(written.error().describe());
}

}  // namespace
}  // namespace nimbus::bindgen

int main(int argc, char** argv) {
  CLI::App app{"Makes bindings of WIT interfaces", "nimbus-bindgen"};
  nimbus::bindgen::Options options;
  app.add_option("language", options.request.language)->required();
  app.add_option("wit", options.request.wit)->required();
  app.add_option("--world", options.request.selection.world);
  app.add_option("--interface", options.request.selection.interfaces);
  app.add_option("--namespace", options.request.backend.name_space);
  app.add_option("--out", options.out)->required();
  app.add_option("--expect", options.expected);
  CLI11_PARSE(app, argc, argv);
  return nimbus::bindgen::run(std::move(options));
}
