#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/process.h"
#include "base/result.h"
#include "project/settings.h"

namespace nimbus::project {

enum class BuildProfile { kRelease, kDebug };

// A program is a provider: it runs by itself, and serves components.
enum class BuildProduct { kComponent, kProgram };

// What a build tells while it goes on, on the thread that builds.
class BuildProgress {
 public:
  virtual ~BuildProgress() = default;
  // A program is about to run: its command line.
  virtual void step(std::string_view what) = 0;
  // What the program writes, as it comes.
  virtual void output(ProcessStream stream, std::string_view chunk) = 0;
  // Something that the user should know and that is no error.
  virtual void note(std::string_view text) = 0;
};

struct BuildRequest {
  std::string folder;  // of the project; absolute
  ProjectConfig config;
  std::optional<BuildProfile> profile = {};  // none: as configured, else release
  std::vector<std::string> arguments = {};   // for the tool that builds
  std::string path_variable = {};            // PATH
  std::string wash = {};                     // this program, for commands that call it; or empty
  std::stop_token stop = {};                 // a request ends what runs: kCancelled
  bool program_is_welcome = false;           // else a project that makes one is refused
  bool is_compiled_next = false;             // which validates what its functions do
  // Brings the dependencies of `wit/` up to date; not called with wit.skip_fetch.
  std::function<Result<void>(const BuildRequest&)> fetch_wit = {};
};

struct BuildOutcome {
  BuildProduct product = BuildProduct::kComponent;
  std::string component_path;  // absolute; of a program, that
  std::string language;        // "rust"; "command" for build.command
  Duration duration = {};
  std::uint64_t size_bytes = 0;
  std::vector<std::string> imports = {};  // names as in the binary: escape them before printing
  std::vector<std::string> exports = {};
};

// Builds the project and checks what came out: a component, wrapped if the tool made a core module,
// that conforms to the world in `wit/` (wit/conformance.h). Runs programs and blocks.
//  * With build.command: `sh -c` in the project's folder, with build.env and WASH_COMPONENT_PATH,
//    the file that it is expected to write.
//  * Else by the language that the project's files show (languages.h). Of a program, no more is
//    looked at than whether it is there.
// kNotFound: no language, or a tool is missing, with how to get it; kInvalidArgument: more than one
// language, or a result that is not what it should be; kCancelled.
[[nodiscard]] Result<BuildOutcome> buildProject(const BuildRequest& request, ProcessRunner& runner,
                                                BuildProgress& progress);

// PATH for the tools: as configured or as the request says, then the folder of this program, so
// that scripts find it even where it is not installed.
[[nodiscard]] std::string toolPath(const BuildRequest& request);

// What to say where a component is wanted of a project that makes a program.
[[nodiscard]] std::string whyNoComponent(const std::string& folder);

// What is built unless a request says otherwise: a project with the settings of Rust that `wash` 1
// had is built with debug information without `release`.
[[nodiscard]] BuildProfile configuredProfile(const BuildSettings& settings);

// Whether a command of the configuration builds it, not the tools of its language.
[[nodiscard]] bool isBuiltByCommand(const BuildSettings& settings);

// Where the component of the project goes if its tool does not say: build.component_path, else
// `<folder's name>.wasm` for build.command, and the same in `build/` for a language.
[[nodiscard]] std::string expectedComponentPath(const std::string& folder,
                                                const ProjectConfig& config);

}  // namespace nimbus::project
