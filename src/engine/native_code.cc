#include "engine/native_code.h"

#include <cstdint>
#include <string>

#include "base/free_memory.h"
#include "engine/ffi.h"
#include "wit/split.h"

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

// `status` is that of nimbus_compile.
Result<void> compiled(std::int32_t status) {
  if (status == 0) return {};
  if (status == -2) {
    return failLast(ErrorCode::kResourceExhausted, "the component cannot be compiled now");
  }
  return failLast(ErrorCode::kInvalidArgument, "the component does not compile");
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
  NimbusOwnedBytes owned{};
  TRY_VOID(compiled(nimbus_compile(engine.raw(), toStr(wasm), Kind::kIsCoreModule, &owned)));
  const Bytes code = fromOwned(owned);
  if (wasm.size() > kMuchToCompile) releaseFreeMemory();
  typename Kind::Handle loaded(Kind::kLoad(engine.raw(), toStr(code.view())));
  if (!loaded) return failLast(ErrorCode::kUnsupported, "the component does not fit this host");
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
  // What is wrong with it is told of the component as it is.
  if (auto loaded = parts(engine, component)) return *std::move(loaded);
  return whole(engine, component);
}

std::optional<NativeCode::Loaded> NativeCode::parts(const WasmEngine& engine, ByteView component) {
  const auto split = wit::splitModules(component, kLargeModuleCode);
  if (!split || !*split) return std::nullopt;
  Loaded loaded;
  for (const Bytes& each : (*split)->modules) {
    auto taken_out = module(engine, each.view());
    if (!taken_out) return std::nullopt;
    loaded.modules.push_back(*std::move(taken_out));
  }
  NimbusComponent* rest = nullptr;
  if (!compiled(nimbus_component_compile(engine.raw(), toStr((*split)->rest.view()), &rest)))
    return std::nullopt;
  loaded.component.reset(rest);
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
