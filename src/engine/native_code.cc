#include "engine/native_code.h"

#include <cstdint>
#include <string>

#include "base/free_memory.h"
#include "engine/ffi.h"

namespace nimbus::engine {
namespace {

// Compiling more than that leaves hundreds of megabytes free, which would be kept for the next
// time.
constexpr std::size_t kMuchToCompile = 1 << 20;
// To compile less takes no longer than an edit may.
constexpr std::size_t kLargeModuleCode = 256 << 10;

struct WholeComponent {
  using Handle = ComponentHandle;
  static constexpr std::uint8_t kIsCoreModule = 0;
  static constexpr auto kMap = nimbus_component_map;
  static constexpr auto kLoad = nimbus_component_load;
};

struct CoreModule {
  using Handle = CoreModuleHandle;
  static constexpr std::uint8_t kIsCoreModule = 1;
  static constexpr auto kMap = nimbus_core_module_map;
  static constexpr auto kLoad = nimbus_core_module_load;
};

Result<Bytes> compile(const WasmEngine& engine, ByteView wasm, std::uint8_t is_core_module) {
  NimbusOwnedBytes owned{};
  const std::int32_t status = nimbus_compile(engine.raw(), toStr(wasm), is_core_module, &owned);
  if (status == 0) return fromOwned(owned);
  if (status == -2) {
    return failLast(ErrorCode::kResourceExhausted, "the component cannot be compiled now");
  }
  return failLast(ErrorCode::kInvalidArgument, "the component does not compile");
}

template <typename Kind>
Result<typename Kind::Handle> load(const WasmEngine& engine, const Bytes& code) {
  typename Kind::Handle loaded(Kind::kLoad(engine.raw(), toStr(code.view())));
  if (!loaded) return failLast(ErrorCode::kUnsupported, "the component does not fit this host");
  return loaded;
}

}  // namespace

template <typename Kind>
Result<typename Kind::Handle> NativeCode::kept(const WasmEngine& engine, ByteView wasm) {
  const Sha256 digest = sha256(wasm);
  std::string unusable;  // why what is cached does not load
  if (cache_) {
    if (const auto entry = cache_->find(digest, engine.fingerprint())) {
      typename Kind::Handle mapped(Kind::kMap(engine.raw(), toStr(entry->path())));
      if (mapped) return mapped;
      unusable = nimbus_last_error();
    }
  }
  TRY(const Bytes code, compile(engine, wasm, Kind::kIsCoreModule));
  if (wasm.size() > kMuchToCompile) releaseFreeMemory();
  TRY(typename Kind::Handle loaded, load<Kind>(engine, code));
  if (!unusable.empty())
    log_.warn("cached code did not load: compiled anew", {{"reason", unusable}});
  return cache_ ? keep<Kind>(engine, digest, code, std::move(loaded)) : std::move(loaded);
}

// Puts it into the cache. Mapped from there, unlike the copy in hand, the code costs no memory that
// cannot be paged out: the handle is of what is mapped, if it can be.
template <typename Kind>
typename Kind::Handle NativeCode::keep(const WasmEngine& engine, const Sha256& digest,
                                       const Bytes& code, typename Kind::Handle loaded) {
  if (const auto kept = cache_->put(digest, engine.fingerprint(), code.view()); !kept) {
    log_.warn("compiled code was not kept", {{"reason", kept.error().describe()}});
    return loaded;
  }
  const auto entry = cache_->find(digest, engine.fingerprint());
  if (!entry) return loaded;
  typename Kind::Handle mapped(Kind::kMap(engine.raw(), toStr(entry->path())));
  return mapped ? std::move(mapped) : std::move(loaded);
}

Result<NativeCode::Loaded> NativeCode::whole(const WasmEngine& engine, ByteView component) {
  TRY(ComponentHandle loaded, kept<WholeComponent>(engine, component));
  return Loaded{.component = std::move(loaded), .modules = {}};
}

Result<NativeCode::Loaded> NativeCode::inParts(const WasmEngine& engine, ByteView component) {
  const auto split = wit::splitModules(component, kLargeModuleCode);
  if (!split || !*split) return whole(engine, component);
  auto loaded = parts(engine, **split);
  if (loaded) return loaded;
  // What is wrong with it is told of the component as it is.
  log_.debug("a component is compiled whole", {{"reason", loaded.error().describe()}});
  return whole(engine, component);
}

Result<NativeCode::Loaded> NativeCode::parts(const WasmEngine& engine,
                                             const wit::SplitComponent& split) {
  Loaded loaded;
  for (const Bytes& each : split.modules) {
    TRY(auto taken_out, module(engine, each.view()));
    loaded.modules.push_back(std::move(taken_out));
  }
  TRY(const Bytes code, compile(engine, split.rest.view(), WholeComponent::kIsCoreModule));
  TRY(loaded.component, load<WholeComponent>(engine, code));
  return loaded;
}

Result<std::shared_ptr<const NimbusCoreModule>> NativeCode::module(const WasmEngine& engine,
                                                                   ByteView wasm) {
  const ModuleKey key{sha256(wasm), engine.fingerprint()};
  {
    const std::lock_guard lock(mutex_);
    if (auto known = modules_[key].lock()) return known;
  }
  TRY(CoreModuleHandle made, kept<CoreModule>(engine, wasm));
  const std::shared_ptr<const NimbusCoreModule> loaded = std::move(made);
  const std::lock_guard lock(mutex_);
  std::erase_if(modules_, [](const auto& entry) { return entry.second.expired(); });
  modules_[key] = loaded;
  return loaded;
}

}  // namespace nimbus::engine
