#include "engine/wasm_engine.h"

#include <sys/mman.h>

#include <system_error>
#include <thread>

#include "engine/ffi.h"

namespace nimbus::engine {
namespace {

// What stays resident of a used slot, so that the next instance in it need not fault pages in;
// chosen by measurement (docs/performance.md).
constexpr std::uint64_t kMemoryKeepBytes = 2 << 20;
constexpr std::uint64_t kTableKeepBytes = 64 << 10;
constexpr std::uint64_t kStackKeepBytes = 64 << 10;
constexpr std::uint64_t kStackBytes = 2 << 20;
// Of those that are not inlined: one component each, mostly with one memory, and large ones, which
// carry the runtime of a language.
constexpr std::uint32_t kMemoriesPerPlainInstance = 2;
// What is edited has an instance for each chunk of its code (src/rust/src/tools/chunks.rs).
constexpr std::uint32_t kMostChunks = 64;
// Calls between components composed into one vanish by it (bench/composed_call.py); inlining
// everything makes code and compile times a multiple and gains little more.
constexpr std::uint8_t kInlineBetweenModules = 1;
constexpr std::uint8_t kInlineNothing = 0;
// Of one instance, however small: the pool has so many for all.
constexpr std::uint64_t kMostParts = 256;
// Of each flavour. Those of a guest with the interpreter of a language in it are about 40 MiB. What
// is not used is forgotten once others make up half of it (function_cache.rs).
constexpr std::uint64_t kFunctionCacheBytes = 128 << 20;

// The pool reserves address space for every slot; containers and ulimit -v may forbid that.
bool canReserve(std::uint64_t bytes) {
  void* reserved =
      ::mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (reserved == MAP_FAILED) return false;
  ::munmap(reserved, bytes);
  return true;
}

// The engine's own runtime would panic where it cannot have its thread.
Result<void> checkThreads() {
  try {
    std::thread([] {}).join();
  } catch (const std::system_error& error) {
    return failErrno("cannot start a thread of the engine", error.code().value());
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<WasmEngine>> WasmEngine::create(const EngineOptions& options,
                                                       Flavour flavour,
                                                       const NimbusBudget& budget) {
  const std::uint32_t parts = options.max_instances * options.core_instances_per_instance;
  const std::uint32_t memories =
      flavour.inlining ? parts : options.max_instances * kMemoriesPerPlainInstance;
  const std::uint64_t reservation =
      std::uint64_t{memories} * (options.max_memory_bytes + (32 << 20));
  NimbusEngineConfig config{};
  config.concurrency = flavour.concurrent ? 1 : 0;
  config.pooling = canReserve(reservation) ? 1 : 0;
  config.pagemap_scan = 1;
  config.inlining = flavour.inlining ? kInlineBetweenModules : kInlineNothing;
  const bool editing = options.compile == EngineOptions::Compile::kForEditing;
  config.function_cache_bytes = editing ? kFunctionCacheBytes : 0;
  config.instances = options.max_instances;
  config.core_instances = editing ? parts + options.max_instances * kMostChunks : parts;
  config.parts_per_component = editing ? kMostParts + kMostChunks : kMostParts;
  config.memories = memories;
  config.tables = parts;
  config.table_elements = kMaxTableElements;
  config.proposals = options.proposals.bits();
  config.max_memory_bytes = options.max_memory_bytes;
  config.memory_keep_bytes = kMemoryKeepBytes;
  config.table_keep_bytes = kTableKeepBytes;
  config.stack_keep_bytes = kStackKeepBytes;
  config.stack_bytes = kStackBytes;
  TRY_VOID(checkThreads());
  NimbusEngine* raw = nimbus_engine_new(&config, &budget);
  if (raw == nullptr && config.pooling != 0) {
    // The pool wanted more than the estimate above: instances get their memory one by one.
    config.pooling = 0;
    raw = nimbus_engine_new(&config, &budget);
  }
  if (raw == nullptr) return failLast(ErrorCode::kInternal, "cannot start the engine");
  return std::unique_ptr<WasmEngine>(new WasmEngine(raw));
}

}  // namespace nimbus::engine
