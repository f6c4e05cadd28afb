#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "base/task.h"
#include "engine/component.h"
#include "engine/digest.h"
#include "engine/proposals.h"
#include "net/shard.h"
#include "wit/compose.h"

namespace nimbus::engine {

// Of one table; no setting gives it more.
inline constexpr std::uint32_t kMaxTableElements = 100'000;
// For EngineOptions::core_instances_per_instance.
inline constexpr std::uint32_t kMaxCoreInstancesPerInstance = 100;

struct EngineOptions {
  // Of native code on disk; empty: compile anew in every process.
  std::string cache_folder;
  // Nobody asked for that folder: if it cannot be used there is a warning, and no cache.
  bool cache_is_default = false;
  std::uint64_t cache_max_bytes = 4ULL << 30;
  // Linear memory of all instances together, and what else counts: see docs/operations.md.
  std::uint64_t max_total_memory_bytes = 4ULL << 30;
  // Ceiling of one linear memory; also the address space reserved for each.
  std::uint64_t max_memory_bytes = 4ULL << 30;
  // Component instances at once, of each engine, and how many core instances and tables they have
  // on average (Rust and C guests have one to three, Go four or five).
  std::uint32_t max_instances = 2048;
  std::uint32_t core_instances_per_instance = 5;
  // Which engine runs components without WASI 0.3: the fast one made without concurrency support,
  // or the full one for everything.
  enum class Selection { kByComponent, kAlwaysFull };
  Selection selection = Selection::kByComponent;
  // For running, calls between composed components are inlined, unless they are large together.
  // For editing they are not, which compiles on more threads at once, and compiled functions are
  // kept in memory: a component like an earlier one takes the time of the functions that differ.
  // Functions are optimized alike.
  enum class Compile { kForRunning, kForEditing };
  Compile compile = Compile::kForRunning;
  std::size_t compile_threads = 0;  // 0: one per core; as many others read files and find code
  Proposals proposals;              // that components may use beyond those that are always on
};

// Wasmtime: compiles components in the background, keeps native code on disk, and shares one
// loaded component among all who ask for the same bytes. It has several engines inside, made when
// they are needed: components without WASI 0.3 run on one made without concurrency support, which
// is a third faster, and composed ones of up to 1 MiB on one that inlines calls between their core
// modules, which takes ten times the memory to compile, and gains others nothing. Memory of all
// counts against one budget, and one ticker makes busy guests of all yield.
//
// Made by main before the shards' work, destroyed after all instances are gone. Thread safe.
class Engine {
 public:
  [[nodiscard]] static Result<std::unique_ptr<Engine>> create(EngineOptions options, Logger& log);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // What a component is, and its bytes: those given, or what a core module of WASI preview 1 was
  // wrapped into.
  struct Inspected {
    Bytes wasm;
    wit::ComponentInfo info;
  };
  // The component in these bytes: compiled now, or taken from the cache or from another user.
  // A core module of WASI preview 1 is wrapped first. Blocks; not for a shard's thread. Errors:
  // kInvalidArgument (not a component, or not valid), kUnsupported (exports nothing that can be
  // run or something of another type, or imports what nothing provides; the message names it).
  [[nodiscard]] Result<std::shared_ptr<const Component>> load(ByteView wasm);

  // Several components composed into one (wit/compose.h); the same errors, and kInvalidArgument if
  // the parts do not fit together. A composition that is loaded already is not made again.
  [[nodiscard]] Result<std::shared_ptr<const Component>> load(const wit::Composition& composition);

  // What becomes of a component that is neither loaded nor in the code cache.
  enum class IfMissing {
    kCompile,
    kLeave,  // the answer is null, and so it is while somebody else compiles it
  };
  // The same on a background thread; resumes on the shard. What is left if it is missing waits for
  // nothing that is compiled. `digest` is that of `wasm`, if known.
  [[nodiscard]] Task<Result<std::shared_ptr<const Component>>> loadInBackground(
      net::Shard& shard, Bytes wasm, std::optional<Sha256> digest = std::nullopt,
      IfMissing if_missing = IfMissing::kCompile);
  [[nodiscard]] Task<Result<std::shared_ptr<const Component>>> loadInBackground(
      net::Shard& shard, wit::Composition composition, IfMissing if_missing = IfMissing::kCompile);
  // Of what was inspected already; `digest` is that of the file that it came from.
  [[nodiscard]] Task<Result<std::shared_ptr<const Component>>> loadInBackground(
      net::Shard& shard, Inspected component, const Sha256& digest,
      IfMissing if_missing = IfMissing::kCompile);

  // For editing: this component will be loaded soon, from the memory that it has then. That takes
  // less time, if one of the same name (a file's path, for instance) was loaded before. Blocks for
  // as long as it takes to take a component apart.
  void expect(const std::string& name, Inspected& component);

  // What is in these bytes, without compiling it.
  [[nodiscard]] static Result<Inspected> inspect(Bytes wasm);
  [[nodiscard]] Task<Result<Inspected>> inspectInBackground(net::Shard& shard, Bytes wasm);

  // What is in a file, read and hashed on a background thread; resumes on the shard.
  struct FileContent {
    Bytes bytes;
    Sha256 digest;
  };
  [[nodiscard]] Task<Result<FileContent>> readFileInBackground(net::Shard& shard, std::string path,
                                                               std::uint64_t max_bytes);

  // Size of the native code in the disk cache for these bytes, if it is there.
  [[nodiscard]] std::optional<std::uint64_t> cachedCodeBytes(ByteView wasm);

  [[nodiscard]] std::uint64_t guestMemoryBytes() const;
  [[nodiscard]] std::size_t loadedComponents() const;

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// By which a composition is known, as other components are by their digest. Differs for those that
// differ in anything: the parts' bytes, their order and names, links and labels.
[[nodiscard]] Sha256 compositionKey(const wit::Composition& composition);

// "wasmtime 48.0.8"
[[nodiscard]] std::string_view engineVersion();

}  // namespace nimbus::engine
