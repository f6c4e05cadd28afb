#pragma once

#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "base/result.h"
#include "engine/code_cache.h"
#include "engine/digest.h"
#include "engine/engine.h"
#include "engine/wasm_engine.h"
#include "rust/engine.h"
#include "wit/compose.h"
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
  using SharedModule = std::shared_ptr<const NimbusCoreModule>;
  // A component; or what is left of one, or of several composed, and what was taken out of it, in
  // the order in which it imports them (wit/split.h).
  struct Source {
    struct Module {
      Bytes wasm;
      bool is_data;
      // If it is being loaded already: for which engine, and what it will be.
      const WasmEngine* engine = nullptr;
      std::shared_future<Result<SharedModule>> loading = {};
    };
    Bytes wasm;
    std::vector<Module> modules;

    [[nodiscard]] bool isInParts() const { return !modules.empty(); }
  };
  struct Loaded {
    ComponentHandle component;
    std::vector<SharedModule> modules;
  };

  explicit NativeCode(Logger& log) : log_(log) {}
  // Waits for what is being loaded.
  ~NativeCode();
  NativeCode(const NativeCode&) = delete;
  NativeCode& operator=(const NativeCode&) = delete;
  void useCache(CodeCache cache) { cache_ = std::move(cache); }
  [[nodiscard]] std::optional<CodeCache>& cache() { return cache_; }

  // Does beforehand what can be done for a component that will be loaded, if the last one of that
  // name was taken apart: this one is, too, and its data is being loaded for `engine`, which
  // outlives this; null: not known yet. `split` of the memory that is returned has the result, and
  // it goes with that.
  [[nodiscard]] Bytes expect(const WasmEngine* engine, const std::string& name, Bytes component);

  // Takes it apart, so that what an earlier one has had is not compiled again. Nothing if it has no
  // large core modules, cannot be taken apart, or is not valid.
  [[nodiscard]] std::optional<Source> split(ByteView component);
  // The same of several, which are composed of what is left of each: also of small ones.
  [[nodiscard]] std::optional<Source> split(wit::Composition composition);

  // `digest` is that of source.wasm. What is missing and left has no component, which is only for
  // what is not in parts. kInvalidArgument if it is not valid, kUnsupported if it does not fit this
  // host, kResourceExhausted if it cannot be compiled now.
  using IfMissing = Engine::IfMissing;
  [[nodiscard]] Result<Loaded> load(const WasmEngine& engine, const Source& source,
                                    const Sha256& digest,
                                    IfMissing if_missing = IfMissing::kCompile);

 private:
  struct KnownModule {
    Bytes wasm;
    CodeCache::Fingerprint engine;
    std::weak_ptr<const NimbusCoreModule> module;
  };
  struct Parts {
    Bytes rest;
    std::vector<Source::Module> modules;
  };
  struct Expected {
    std::string name;
    Bytes component;
    wit::SplitOptions options;   // of `parts`
    std::optional<Parts> parts;  // until somebody takes them
  };
  struct SplitPart {
    std::string digest;
    std::size_t first;  // of its modules
    Bytes rest;
    std::vector<Source::Module> modules;
  };
  struct Composed {
    Sha256 key;
    Bytes wasm;
  };

  std::optional<Bytes> takeModules(ByteView component, wit::SplitOptions options,
                                   std::vector<Source::Module>& modules);
  std::optional<Bytes> takeModules(const wit::Composition::Part& part, std::size_t which,
                                   std::vector<Source::Module>& modules);
  std::optional<Parts> takeApart(ByteView component, const wit::SplitOptions& options);
  std::shared_ptr<Expected> expectedOf(ByteView component);
  std::optional<Bytes> compose(const wit::Composition& composition);

  template <typename Kind>
  Result<typename Kind::Handle> kept(const WasmEngine& engine, ByteView wasm, const Sha256& digest,
                                     IfMissing if_missing);
  template <typename Kind>
  typename Kind::Handle keep(const WasmEngine& engine, const Sha256& digest, const Bytes& code,
                             typename Kind::Handle loaded);
  Result<SharedModule> make(const WasmEngine& engine, const Source::Module& source);
  Result<std::vector<SharedModule>> modules(const WasmEngine& engine,
                                            std::span<const Source::Module> sources);
  SharedModule inUse(const WasmEngine& engine, ByteView wasm);

  Logger& log_;
  std::optional<CodeCache> cache_;
  std::mutex split_mutex_;  // guards what follows
  Bytes layouts_;           // of components in parts
  std::vector<std::weak_ptr<Expected>> expected_;
  std::map<std::string, wit::SplitOptions> last_options_;  // by name: with which it was taken apart
  std::vector<SplitPart> splits_;                          // of small ones; the last used last
  std::vector<Composed> composed_;  // of what was left of components; the newest last

  std::mutex mutex_;                  // guards what follows
  std::vector<KnownModule> modules_;  // those in use
};

}  // namespace nimbus::engine
