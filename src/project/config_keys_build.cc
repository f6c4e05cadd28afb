// The keys of `build`, with those of each language that `wash` 1 had.

#include "project/binding.h"

namespace nimbus::project {

template <>
const Section& sectionOf<RustSettings>() {
  static const Section section = [] {
    SectionBuilder<RustSettings> keys;
    keys.add("custom_command", &RustSettings::custom_command,
             "Program and arguments to run instead of cargo.");
    keys.add("target", &RustSettings::target, "Target that cargo builds for.");
    keys.add("cargo_flags", &RustSettings::cargo_flags, "Further arguments of `cargo build`.");
    keys.add("features", &RustSettings::features, "Features to build with.");
    keys.add("no_default_features", &RustSettings::no_default_features,
             "Whether default features are left out.");
    keys.add("release", &RustSettings::release, "Whether the release profile is built.");
    return keys.take();
  }();
  return section;
}

template <>
const Section& sectionOf<TinyGoSettings>() {
  static const Section section = [] {
    SectionBuilder<TinyGoSettings> keys;
    keys.add("custom_command", &TinyGoSettings::custom_command,
             "Program and arguments to run instead of tinygo.");
    keys.add("target", &TinyGoSettings::target, "Target that TinyGo builds for.");
    keys.add("build_flags", &TinyGoSettings::build_flags, "Further arguments of `tinygo build`.");
    keys.add("tags", &TinyGoSettings::tags, "Build tags.");
    keys.add("disable_go_generate", &TinyGoSettings::disable_go_generate,
             "Whether `go generate` is left out.");
    keys.add("scheduler", &TinyGoSettings::scheduler, "TinyGo's scheduler.");
    keys.add("gc", &TinyGoSettings::gc, "TinyGo's garbage collector.");
    keys.add("opt", &TinyGoSettings::opt, "TinyGo's optimisation level.");
    keys.add("panic", &TinyGoSettings::panic, "What TinyGo does on a panic.");
    keys.add("no_debug", &TinyGoSettings::no_debug, "Whether debug information is left out.");
    keys.add("stack_size", &TinyGoSettings::stack_size, "Stack of a goroutine, such as \"64KB\".");
    keys.add("wit_package", &TinyGoSettings::wit_package, "WIT folder or package of the world.");
    keys.add("wit_world", &TinyGoSettings::wit_world, "World to build for.");
    return keys.take();
  }();
  return section;
}

template <>
const Section& sectionOf<TypeScriptSettings>() {
  static const Section section = [] {
    SectionBuilder<TypeScriptSettings> keys;
    keys.add("custom_command", &TypeScriptSettings::custom_command,
             "Program and arguments to run instead of the package manager.");
    keys.add("node_version", &TypeScriptSettings::node_version,
             "Version of Node.js it needs, as `engines.node` says it: \"22\", \">=20 <25\".");
    keys.add("package_manager", &TypeScriptSettings::package_manager, "Package manager.").words = {
        "npm", "pnpm", "yarn"};
    keys.add("build_command", &TypeScriptSettings::build_command,
             "Script of package.json that builds.");
    keys.add("build_flags", &TypeScriptSettings::build_flags, "Further arguments of that script.");
    keys.add("skip_install", &TypeScriptSettings::skip_install,
             "Whether dependencies are left as they are.");
    keys.add("source_maps", &TypeScriptSettings::source_maps,
             "Refused if true: the script that builds has to say it.");
    return keys.take();
  }();
  return section;
}

template <>
const Section& sectionOf<BuildSettings>() {
  static const Section section = [] {
    SectionBuilder<BuildSettings> keys;
    keys.add("command", &BuildSettings::command,
             "Shell command that builds the component. Without it `wash build` goes by the "
             "project's language.");
    keys.add("env", &BuildSettings::env, "Environment variables for the build.");
    keys.add("component_path", &BuildSettings::component_path,
             "Where the build leaves the component; given to it as `WASH_COMPONENT_PATH`.")
        .aliases = {"artifact_path"};
    keys.add(
        "world", &BuildSettings::world,
        "World that the component is made for: a name in the project's WIT, or a full one such "
        "as `wasi:http/proxy@0.2.3`. Needed where there are several.");
    keys.add("language", &BuildSettings::language,
             "Language of the project, where its files do not say.")
        .words = {"rust",   "go", "tinygo", "typescript",   "javascript",
                  "python", "c",  "cpp",    "cpp-provider", "csharp"};
    keys.add("rust", &BuildSettings::rust, "Rust, as in `wash` 1.");
    keys.add("tinygo", &BuildSettings::tinygo, "TinyGo, as in `wash` 1.");
    keys.add("typescript", &BuildSettings::typescript, "TypeScript, as in `wash` 1.");
    return keys.take();
  }();
  return section;
}

}  // namespace nimbus::project
