#include "wash/flags/engine_flags.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <limits>

#include <CLI/CLI.hpp>

#include "wash/flags/flag_check.h"

namespace nimbus::wash {

void addEngineFlags(CLI::App& command, EngineFlags& flags) {
  command.add_option("--cache-dir", flags.cache_folder, "Where native code is kept between runs")
      ->envname("WASH_CACHE_DIR")
      ->option_text("FOLDER");
  command.add_flag("--no-cache", flags.no_cache, "Keep no native code on disk");
  addChoice(command, "--engine", flags.engine,
            "auto: components without WASI 0.3 on the faster engine; full: all on the full one",
            {{"auto", "auto"}, {"full", "full"}});
  command
      .add_option("--wasm-proposal", flags.proposals,
                  "A proposal of WebAssembly that components may use, such as wide-arithmetic; "
                  "repeatable")
      ->envname("WASH_WASM_PROPOSALS")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->check(acceptedBy(engine::proposalNamed))
      ->option_text("NAME");
}

engine::EngineOptions engineOptionsOf(const EngineFlags& flags) {
  engine::EngineOptions options;
  if (!flags.no_cache) {
    options.cache_is_default = flags.cache_folder.empty();
    options.cache_folder = options.cache_is_default ? defaultCodeCacheFolder() : flags.cache_folder;
  }
  options.max_total_memory_bytes = defaultGuestMemoryBytes();
  if (flags.engine == "full") options.selection = engine::EngineOptions::Selection::kAlwaysFull;
  options.proposals = engine::proposalsNamed(flags.proposals);
  return options;
}

std::string defaultCodeCacheFolder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  if (cache != nullptr && *cache == '/') return std::string(cache) + "/nimbus/code";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home == '/') return std::string(home) + "/.cache/nimbus/code";
  return {};
}

namespace {

std::uint64_t cgroupLimitBytes() {
  std::ifstream file("/sys/fs/cgroup/memory.max");
  std::uint64_t bytes = 0;
  return file >> bytes ? bytes : std::numeric_limits<std::uint64_t>::max();
}

}  // namespace

std::uint64_t defaultGuestMemoryBytes() {
  const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
  const auto page_bytes = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return std::min(pages * page_bytes, cgroupLimitBytes()) / 4 * 3;
}

}  // namespace nimbus::wash
