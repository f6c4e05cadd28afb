#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "engine/code_cache.h"
#include "engine/digest.h"
#include "engine/wasm_engine.h"
#include "rust/engine.h"
#include "wit/split.h"

namespace nimbus::engine {

struct ComponentDeleter {
  void operator()(NimbusComponent* component) const { nimbus_component_free(component); }
};
struct CoreModuleDeleter {
  void operator()(NimbusCoreModule* module) const { nimbus_core_module_free(module); }
};
using ComponentHandle = std::unique_ptr<NimbusComponent, ComponentDeleter>;
using CoreModuleHandle = std::unique_ptr<NimbusCoreModule, CoreModuleDeleter>;

// Native code of components: from the cache, or compiled and put there. Internal to src/engine. Any
// thread.
class NativeCode {
 public:
  struct Loaded {
    ComponentHandle component;
    // What was taken out of it, in the order in which it imports them.
    std::vector<std::shared_ptr<const NimbusCoreModule>> modules;
    std::optional<Sha256> rest;  // the digest of what is left, if it is in parts
  };

  explicit NativeCode(Logger& log) : log_(log) {}
  void useCache(CodeCache cache) { cache_ = std::move(cache); }
  [[nodiscard]] std::optional<CodeCache>& cache() { return cache_; }

  // kInvalidArgument if it is not valid, kUnsupported if it does not fit this host,
  // kResourceExhausted if it cannot be compiled now.
  [[nodiscard]] Result<Loaded> whole(const WasmEngine& engine, ByteView component);

  // The same of a component in parts (wit/split.h), if it has large core modules: what an earlier
  // one has had is not compiled again.
  [[nodiscard]] Result<Loaded> inParts(const WasmEngine& engine, ByteView component);

 private:
  struct KnownModule {
    Bytes wasm;
    CodeCache::Fingerprint engine;
    std::weak_ptr<const NimbusCoreModule> module;
  };

  Result<std::optional<wit::SplitComponent>> split(ByteView component);

  template <typename Kind>
  Result<typename Kind::Handle> kept(const WasmEngine& engine, ByteView wasm);
  template <typename Kind>
  typename Kind::Handle keep(const WasmEngine& engine, const Sha256& digest, const Bytes& code,
                             typename Kind::Handle loaded);
  Result<std::shared_ptr<const NimbusCoreModule>> module(const WasmEngine& engine, ByteView wasm);
  Result<std::vector<std::shared_ptr<const NimbusCoreModule>>> modules(const WasmEngine& engine,
                                                                       std::span<const Bytes> wasm);
  std::shared_ptr<const NimbusCoreModule> inUse(const WasmEngine& engine, ByteView wasm);
  Result<Loaded> parts(const WasmEngine& engine, const wit::SplitComponent& split);

  Logger& log_;
  std::optional<CodeCache> cache_;
  std::mutex layouts_mutex_;  // guards what follows
  Bytes layouts_;             // of components in parts

  std::mutex mutex_;                  // guards what follows
  std::vector<KnownModule> modules_;  // those in use
};

}  // namespace nimbus::engine
