#include "project/build.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "project/built_files.h"
#include "project/component_result.h"
#include "project/config.h"
#include "project/language_builder.h"
#include "project/project_world.h"

namespace nimbus::project {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxReadOutputBytes = std::size_t{64} << 20;
constexpr std::string_view kCommandLanguage = "command";

// What the tools have made, before it is looked at.
struct Built {
  std::string language;
  fs::path file;
  BuildProduct product = BuildProduct::kComponent;
};

// The words of wash 1 that replace the call of a language's tool.
const TextList* customCommand(const BuildSettings& build) {
  const auto given = [](const auto& settings) {
    return settings && !settings->custom_command.empty() ? &settings->custom_command : nullptr;
  };
  if (const TextList* words = given(build.rust)) return words;
  if (const TextList* words = given(build.tinygo)) return words;
  return given(build.typescript);
}

// One build, from its first program to its result.
class Build {
 public:
  Build(const BuildRequest& request, ProcessRunner& runner, BuildProgress& progress)
      : request_(request),
        runner_(runner),
        progress_(progress),
        tools_(runner, toolPath(request), request.folder, request.stop),
        folder_(request.folder),
        output_(expectedComponentPath(request.folder, request.config)) {}

  [[nodiscard]] Result<BuildOutcome> perform() {
    const TimePoint started = std::chrono::steady_clock::now();
    const WitSettings& wit = request_.config.wit;
    std::error_code error;
    if (!wit.skip_fetch && request_.fetch_wit && fs::is_directory(folder_ / wit.wit_dir, error)) {
      TRY_VOID(request_.fetch_wit(request_));
    }
    TRY_VOID(makeOutputFolder());
    TRY(const Built built, make());
    TRY(BuildOutcome outcome,
        built.product == BuildProduct::kProgram ? programOutcome(built) : componentOutcome(built));
    outcome.duration = std::chrono::steady_clock::now() - started;
    return outcome;
  }

 private:
  [[nodiscard]] static Result<BuildOutcome> programOutcome(const Built& built) {
    std::error_code error;
    const std::uintmax_t size = fs::file_size(built.file, error);
    if (error)
      return fail(ErrorCode::kIo, fmt::format("{}: {}", built.file.string(), error.message()));
    return BuildOutcome{.product = built.product,
                        .component_path = built.file.string(),
                        .language = built.language,
                        .size_bytes = size};
  }

  [[nodiscard]] Result<BuildOutcome> componentOutcome(const Built& built) {
    TRY(const ComponentFile component,
        ensureComponent({.built = built.file,
                         .output = output_,
                         .wit = folder_ / request_.config.wit.wit_dir,
                         .world = request_.config.build.world,
                         .move_to_output = !request_.config.build.component_path.empty() ||
                                           !isInUsualPlace(folder_, built.file),
                         .bodies = request_.is_compiled_next
                                       ? wit::FunctionBodies::kLeftToTheCompiler
                                       : wit::FunctionBodies::kValidated}));
    BuildOutcome outcome{.component_path = component.path.string(),
                         .language = built.language,
                         .size_bytes = component.info.size_bytes};
    for (const wit::ExternName& name : component.info.imports) outcome.imports.push_back(name.name);
    for (const wit::ExternName& name : component.info.exports) outcome.exports.push_back(name.name);
    TRY_VOID(checkWorld(component));
    if (request_.config.build.component_path.empty()) markAsBuiltLast(component.path);
    return outcome;
  }

  // Tools write to it, and few of them make it.
  [[nodiscard]] Result<void> makeOutputFolder() {
    std::error_code error;
    fs::create_directories(output_.parent_path(), error);
    if (!error) return {};
    return fail(ErrorCode::kIo,
                fmt::format("{}: {}", output_.parent_path().string(), error.message()));
  }

  [[nodiscard]] Result<Built> make() {
    const BuildSettings& build = request_.config.build;
    if (!build.command.empty()) return byCommand({"sh", "-c", build.command}, "build.command");
    if (const TextList* words = customCommand(build)) return byCommand(*words, "custom_command");
    TRY(const LanguageBuilder* const builder, findBuilder(folder_, build));
    return byLanguage(*builder);
  }

  [[nodiscard]] Result<Built> byCommand(std::vector<std::string> arguments, std::string_view key) {
    // What follows "--" reaches the command as "$@".
    if (!request_.arguments.empty() && key == "build.command") arguments.emplace_back("sh");
    append(arguments, request_.arguments);
    TRY_VOID(run({.arguments = std::move(arguments)}));
    std::error_code error;
    if (!fs::exists(output_, error))
      return fail(ErrorCode::kNotFound,
                  fmt::format("{} has not written {}: it is $WASH_COMPONENT_PATH for the command, "
                              "and build.component_path in .wash/config.yaml is another place",
                              key, output_.string()));
    return Built{std::string(kCommandLanguage), output_};
  }

  [[nodiscard]] Result<Built> byLanguage(const LanguageBuilder& builder) {
    if (builder.product() == BuildProduct::kProgram) TRY_VOID(welcomeProgram());
    const BuildContext context{
        .request = request_,
        .tools = tools_,
        .folder = folder_,
        .output = output_,
        .profile = request_.profile.value_or(configuredProfile(request_.config.build))};
    TRY(const BuildPlan plan, builder.plan(context));
    for (const std::string& note : plan.notes) progress_.note(note);
    std::string read;
    for (const BuildStep& step : plan.steps) {
      TRY(const std::string output, run(step));
      read += output;
    }
    TRY(fs::path file, builder.locate(context, read));
    return Built{std::string(builder.language()), std::move(file), builder.product()};
  }

  [[nodiscard]] Result<void> welcomeProgram() const {
    if (!request_.program_is_welcome)
      return fail(ErrorCode::kUnsupported, whyNoComponent(folder_.string()));
    if (request_.config.build.component_path.empty()) return {};
    return fail(ErrorCode::kInvalidArgument,
                "build.component_path is for components, and this project makes a provider");
  }

  // Returns standard output if the step reads it.
  [[nodiscard]] Result<std::string> run(const BuildStep& step) {
    std::string read;
    bool too_much = false;
    ProcessSpec spec{.arguments = step.arguments, .folder = request_.folder};
    spec.environment = environmentOf(step);
    spec.stop = request_.stop;
    spec.sink = [&](ProcessStream stream, std::string_view chunk) {
      if (!step.reads_output || stream == ProcessStream::kError) {
        progress_.output(stream, chunk);
      } else if (read.size() + chunk.size() <= kMaxReadOutputBytes) {
        read += chunk;
      } else {
        too_much = true;
      }
    };
    progress_.step(fmt::format("{}", fmt::join(step.arguments, " ")));
    TRY(const ProcessOutcome outcome, runner_.run(spec));
    if (!outcome.ok())
      return fail(
          ErrorCode::kProgramFailed,
          fmt::format("{} failed with status {}",
                      fs::path(step.arguments.front()).filename().string(), outcome.exit_status));
    if (too_much) return fail(ErrorCode::kResourceExhausted, "a tool wrote too much");
    return read;
  }

  [[nodiscard]] std::vector<std::pair<std::string, std::string>> environmentOf(
      const BuildStep& step) const {
    std::vector<std::pair<std::string, std::string>> environment;
    for (const auto& [name, value] : request_.config.build.env) {
      environment.emplace_back(name, value);
    }
    environment.emplace_back("PATH", tools_.path());
    environment.emplace_back("WASH_COMPONENT_PATH", output_.string());
    if (!request_.wash.empty()) environment.emplace_back("WASH", request_.wash);
    append(environment, step.environment);
    return environment;
  }

  [[nodiscard]] Result<void> checkWorld(const ComponentFile& component) {
    const fs::path wit = folder_ / request_.config.wit.wit_dir;
    const BuildSettings& build = request_.config.build;
    // TinyGo may have been told another one; what it then makes is compared with that.
    if (build.world.empty() && build.tinygo && !build.tinygo->wit_world.empty()) return {};
    const std::string& name = build.world;
    std::error_code error;
    if (!fs::exists(wit, error) && name.empty()) return {};
    const auto world = readProjectWorld(wit, name);
    if (!world && !name.empty()) return std::unexpected(world.error());
    if (!world) {
      progress_.note("exports and imports are not checked: " + world.error().describe());
      return {};
    }
    const auto problems = worldProblems(*world, component.binary.view(), wit);
    if (!problems) {  // WIT cannot say all that a component may have
      progress_.note("exports and imports are not checked: " + problems.error().describe());
      return {};
    }
    if (problems->empty()) return {};
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("{} {}", component.path.string(), fmt::join(*problems, "; it ")));
  }

  const BuildRequest& request_;
  ProcessRunner& runner_;
  BuildProgress& progress_;
  const Toolbox tools_;
  const fs::path folder_;
  const fs::path output_;
};

}  // namespace

Result<BuildOutcome> buildProject(const BuildRequest& request, ProcessRunner& runner,
                                  BuildProgress& progress) {
  return Build(request, runner, progress).perform();
}

std::string toolPath(const BuildRequest& request) {
  const auto configured = request.config.build.env.find("PATH");
  std::string path =
      configured == request.config.build.env.end() ? request.path_variable : configured->second;
  const std::string own = fs::path(request.wash).parent_path().string();
  if (!own.empty()) path += (path.empty() ? "" : ":") + own;
  return path;
}

std::string whyNoComponent(const std::string& folder) {
  return fmt::format(
      "{} makes a provider, which is a program and no component: build it with `wash build`, and "
      "start what that has made",
      folder);
}

BuildProfile configuredProfile(const BuildSettings& settings) {
  return settings.rust && !settings.rust->release ? BuildProfile::kDebug : BuildProfile::kRelease;
}

bool isBuiltByCommand(const BuildSettings& settings) {
  return !settings.command.empty() || customCommand(settings) != nullptr;
}

std::string expectedComponentPath(const std::string& folder, const ProjectConfig& config) {
  const fs::path root(folder);
  if (!config.build.component_path.empty()) {
    return (root / config.build.component_path).lexically_normal().string();
  }
  const std::string file = fs::path(absoluteFolder(folder)).filename().string() + ".wasm";
  return (isBuiltByCommand(config.build) ? root / file : root / "build" / file).string();
}

}  // namespace nimbus::project
