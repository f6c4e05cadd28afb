#include "engine/native_code.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <future>
#include <iterator>
#include <string>
#include <thread>

#include "base/free_memory.h"
#include "engine/ffi.h"

namespace nimbus::engine {
namespace {

// Compiling more than that leaves hundreds of megabytes free, which would be kept for the next
// time.
constexpr std::size_t kMuchToCompile = 1 << 20;
// To compile less takes no longer than an edit may.
constexpr std::size_t kLargeModuleCode = 256 << 10;

using SharedModule = std::shared_ptr<const NimbusCoreModule>;

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

Result<SharedModule> dataModule(const WasmEngine& engine, ByteView wasm) {
  CoreModuleHandle made(nimbus_core_module_of_data(engine.raw(), toStr(wasm)));
  if (!made) return failLast(ErrorCode::kUnsupported, "the data does not fit this host");
  return SharedModule(std::move(made));
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
  return Loaded{.component = std::move(loaded), .modules = {}, .rest = {}};
}

Result<NativeCode::Loaded> NativeCode::inParts(const WasmEngine& engine, ByteView component) {
  const auto split = this->split(component);
  if (!split || !*split) return whole(engine, component);
  auto loaded = parts(engine, **split);
  if (loaded) return loaded;
  // What is wrong with it is told of the component as it is.
  log_.debug("a component is compiled whole", {{"reason", loaded.error().describe()}});
  return whole(engine, component);
}

// One after the other: each keeps where its chunks are.
Result<std::optional<wit::SplitComponent>> NativeCode::split(ByteView component) {
  const std::lock_guard lock(layouts_mutex_);
  TRY(auto split, wit::splitModules(component, kLargeModuleCode, layouts_));
  if (split) layouts_ = std::move(split->layouts);
  return split;
}

Result<NativeCode::Loaded> NativeCode::parts(const WasmEngine& engine,
                                             const wit::SplitComponent& split) {
  // Takes as long as all that follows.
  std::vector<std::future<Result<SharedModule>>> data;
  for (const Bytes& wasm : split.data)
    data.push_back(std::async([&] { return dataModule(engine, wasm.view()); }));
  Loaded loaded;
  TRY(auto code, modules(engine, split.code));
  TRY(loaded.component, kept<WholeComponent>(engine, split.rest.view()));
  for (auto& each : data) {
    TRY(loaded.modules.emplace_back(), each.get());
  }
  std::ranges::move(code, std::back_inserter(loaded.modules));
  loaded.rest = sha256(split.rest.view());
  return loaded;
}

// Those that are not in use side by side: to compile a small one is not all for many threads.
Result<std::vector<SharedModule>> NativeCode::modules(const WasmEngine& engine,
                                                      std::span<const Bytes> wasm) {
  std::vector<SharedModule> found;
  std::vector<std::size_t> missing;
  for (const Bytes& each : wasm) {
    found.push_back(inUse(engine, each.view()));
    if (!found.back()) missing.push_back(found.size() - 1);
  }
  std::atomic<std::size_t> next = 0;
  const auto make = [&]() -> Result<void> {
    for (std::size_t i = next++; i < missing.size(); i = next++) {
      TRY(found[missing[i]], module(engine, wasm[missing[i]].view()));
    }
    return {};
  };
  std::vector<std::future<Result<void>>> others;
  const std::size_t threads =
      std::min<std::size_t>(missing.size(), std::max(1U, std::thread::hardware_concurrency()));
  for (std::size_t i = 1; i < threads; ++i) others.push_back(std::async(make));
  Result<void> made = make();
  for (auto& other : others) {
    auto result = other.get();
    if (made && !result) made = std::move(result);
  }
  TRY_VOID(std::move(made));
  return found;
}

Result<SharedModule> NativeCode::module(const WasmEngine& engine, ByteView wasm) {
  TRY(CoreModuleHandle made, kept<CoreModule>(engine, wasm));
  const SharedModule loaded = std::move(made);
  const std::lock_guard lock(mutex_);
  modules_.push_back({Bytes::copyOf(wasm), engine.fingerprint(), loaded});
  return loaded;
}

// To compare takes a fifth of the time of a digest.
SharedModule NativeCode::inUse(const WasmEngine& engine, ByteView wasm) {
  const std::lock_guard lock(mutex_);
  std::erase_if(modules_, [](const auto& known) { return known.module.expired(); });
  for (const KnownModule& known : modules_) {
    if (known.engine == engine.fingerprint() && std::ranges::equal(known.wasm.view(), wasm))
      if (auto module = known.module.lock()) return module;
  }
  return nullptr;
}

}  // namespace nimbus::engine
