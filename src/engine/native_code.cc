#include "engine/native_code.h"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <future>
#include <iterator>
#include <string>
#include <thread>
#include <utility>

#include "base/free_memory.h"
#include "engine/composition.h"
#include "engine/ffi.h"
#include "engine/proposals.h"

namespace nimbus::engine {
namespace {

// Compiling more than that leaves hundreds of megabytes free, which would be kept for the next
// time.
constexpr std::size_t kMuchToCompile = 1 << 20;
// To compile less takes a fraction of what an edit may, unless others would be compiled with it.
constexpr std::size_t kLargeModuleCode = 24 << 10;
// What is kept of components that are composed, while others are edited; bytes of each.
constexpr std::size_t kMostKept = 16;
constexpr std::size_t kMostKeptBytes = 1 << 20;
// Of a component for which anything is done before it is loaded; and of how many it is known how
// the last one was taken apart.
constexpr std::size_t kLeastExpected = 1 << 20;
constexpr std::size_t kMostNames = 64;

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
  auto failed = failLast(ErrorCode::kInvalidArgument, "the component does not compile");
  const std::string missing = proposalMissing(failed.error().describe());
  if (missing.empty()) return failed;
  return fail(ErrorCode::kUnsupported, "the component does not compile: " + missing,
              std::move(failed).error());
}

template <typename Kind>
Result<typename Kind::Handle> loadCode(const WasmEngine& engine, const Bytes& code) {
  typename Kind::Handle loaded(Kind::kLoad(engine.raw(), toStr(code.view())));
  if (!loaded) return failLast(ErrorCode::kUnsupported, "the component does not fit this host");
  return loaded;
}

Result<std::shared_ptr<const NimbusCoreModule>> dataModule(const WasmEngine& engine,
                                                           ByteView wasm) {
  CoreModuleHandle made(nimbus_core_module_of_data(engine.raw(), toStr(wasm)));
  if (!made) return failLast(ErrorCode::kUnsupported, "the data does not fit this host");
  return std::shared_ptr<const NimbusCoreModule>(std::move(made));
}

// An edit changes it, or it is not worth a copy to compare with.
bool isMuchData(const NativeCode::Source::Module& module) {
  return module.is_data && module.wasm.size() > kMostKeptBytes;
}

}  // namespace

template <typename Kind>
Result<typename Kind::Handle> NativeCode::kept(const WasmEngine& engine, ByteView wasm,
                                               const Sha256& digest, IfMissing if_missing) {
  std::string unusable;  // why what is cached does not load
  if (cache_) {
    if (const auto entry = cache_->find(digest, engine.fingerprint())) {
      typename Kind::Handle mapped(Kind::kMap(engine.raw(), toStr(entry->path())));
      if (mapped) return mapped;
      unusable = nimbus_last_error();
    }
  }
  if (if_missing == IfMissing::kLeave) return typename Kind::Handle();
  TRY(const Bytes code, compile(engine, wasm, Kind::kIsCoreModule));
  if (wasm.size() > kMuchToCompile) releaseFreeMemory();
  TRY(typename Kind::Handle loaded, loadCode<Kind>(engine, code));
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

std::optional<NativeCode::Source> NativeCode::split(ByteView component) {
  Source source;
  auto rest = takeModules(component, {.min_code_bytes = kLargeModuleCode}, source.modules);
  if (!rest) return std::nullopt;
  source.wasm = *std::move(rest);
  return source;
}

std::optional<NativeCode::Source> NativeCode::split(wit::Composition composition) {
  // One that is not taken apart could import what was taken out of another.
  const auto imports_modules = [](const wit::Composition::Part& part) {
    return std::ranges::find(part.info.imports, "module", &wit::ExternName::kind) !=
           part.info.imports.end();
  };
  if (std::ranges::any_of(composition.parts, imports_modules)) return std::nullopt;
  Source source;
  for (std::size_t i = 0; i < composition.parts.size(); ++i) {
    wit::Composition::Part& part = composition.parts[i];
    auto rest = takeModules(part, i, source.modules);
    if (!rest) continue;
    part.wasm = *std::move(rest);
    part.digest.clear();
  }
  if (!source.isInParts()) return std::nullopt;
  auto composed = compose(composition);
  if (!composed) return std::nullopt;
  source.wasm = *std::move(composed);
  return source;
}

// An edit hardly changes what is left of any.
std::optional<Bytes> NativeCode::compose(const wit::Composition& composition) {
  const Sha256 key = compositionKey(composition);
  const std::lock_guard lock(split_mutex_);
  const auto known = std::ranges::find(composed_, key, &Composed::key);
  if (known != composed_.end()) return known->wasm;
  auto wasm = wit::compose(composition);
  if (!wasm) {
    log_.debug("components are composed whole", {{"reason", wasm.error().describe()}});
    return std::nullopt;
  }
  if (wasm->size() > kMostKeptBytes) return *std::move(wasm);
  if (composed_.size() >= kMostKept) composed_.erase(composed_.begin());
  composed_.push_back({key, *wasm});
  return *std::move(wasm);
}

// What is left of the component. All but one of a composition are as they were.
std::optional<Bytes> NativeCode::takeModules(const wit::Composition::Part& part, std::size_t which,
                                             std::vector<Source::Module>& modules) {
  const wit::SplitOptions options{.min_code_bytes = 1,
                                  .which = static_cast<std::uint32_t>(which + 1)};
  const std::size_t first = modules.size();
  const bool is_kept = !part.digest.empty() && part.wasm.size() <= kMostKeptBytes;
  if (!is_kept) return takeModules(part.wasm.view(), options, modules);
  {
    const std::lock_guard lock(split_mutex_);
    const auto known = std::ranges::find_if(splits_, [&](const SplitPart& split) {
      return split.first == first && split.digest == part.digest;
    });
    if (known != splits_.end()) {
      std::rotate(known, known + 1, splits_.end());
      modules.insert(modules.end(), splits_.back().modules.begin(), splits_.back().modules.end());
      return splits_.back().rest;
    }
  }
  auto rest = takeModules(part.wasm.view(), options, modules);
  if (!rest) return std::nullopt;
  const std::lock_guard lock(split_mutex_);
  if (splits_.size() >= kMostKept) splits_.erase(splits_.begin());
  splits_.push_back({part.digest, first, *rest, {modules.begin() + first, modules.end()}});
  return rest;
}

// One after the other: each keeps where its chunks are.
std::optional<Bytes> NativeCode::takeModules(ByteView component, wit::SplitOptions options,
                                             std::vector<Source::Module>& modules) {
  options.large_code_bytes = kLargeModuleCode;
  options.first = static_cast<std::uint32_t>(modules.size());
  const std::lock_guard lock(split_mutex_);
  std::optional<Parts> parts;
  const auto expected = expectedOf(component);
  if (expected && expected->options == options) parts = std::exchange(expected->parts, {});
  if (!parts) parts = takeApart(component, options);
  if (expected) {
    if (last_options_.size() >= kMostNames) last_options_.clear();
    last_options_.erase(expected->name);
    if (parts) last_options_.emplace(expected->name, options);
  }
  if (!parts) return std::nullopt;
  std::ranges::move(parts->modules, std::back_inserter(modules));
  return std::move(parts->rest);
}

std::optional<NativeCode::Parts> NativeCode::takeApart(ByteView component,
                                                       const wit::SplitOptions& options) {
  auto split = wit::splitModules(component, options, layouts_);
  if (!split || !*split) return std::nullopt;
  wit::SplitComponent& taken = **split;
  layouts_ = std::move(taken.layouts);
  Parts parts{.rest = std::move(taken.rest), .modules = {}};
  for (Bytes& wasm : taken.data) parts.modules.push_back({std::move(wasm), true});
  for (Bytes& wasm : taken.code) parts.modules.push_back({std::move(wasm), false});
  return parts;
}

Bytes NativeCode::expect(const WasmEngine* engine, const std::string& name, Bytes component) {
  if (component.size() < kLeastExpected) return component;
  const ByteView view = component.view();
  const auto expected = std::make_shared<Expected>(Expected{name, std::move(component), {}, {}});
  const std::lock_guard lock(split_mutex_);
  std::erase_if(expected_, [](const auto& each) { return each.expired(); });
  expected_.push_back(expected);
  const auto last = last_options_.find(name);
  if (engine != nullptr && last != last_options_.end()) {
    expected->options = last->second;
    expected->parts = takeApart(view, last->second);
  }
  if (expected->parts) {
    for (Source::Module& module : expected->parts->modules) {
      if (!isMuchData(module)) continue;
      module.engine = engine;
      module.loading =
          std::async([engine, wasm = module.wasm] { return dataModule(*engine, wasm.view()); });
    }
  }
  return {view, expected};
}

// Null if nobody said so.
std::shared_ptr<NativeCode::Expected> NativeCode::expectedOf(ByteView component) {
  for (const auto& each : expected_) {
    auto expected = each.lock();
    // It holds the memory: nothing else can lie there.
    if (expected && expected->component.view().data() == component.data() &&
        expected->component.size() == component.size())
      return expected;
  }
  return nullptr;
}

NativeCode::~NativeCode() {
  for (const auto& each : expected_) {
    const auto expected = each.lock();
    if (expected && expected->parts) expected->parts.reset();
  }
}

Result<NativeCode::Loaded> NativeCode::load(const WasmEngine& engine, const Source& source,
                                            const Sha256& digest, IfMissing if_missing) {
  // Takes as long as all that follows.
  std::vector<std::shared_future<Result<SharedModule>>> data(source.modules.size());
  for (std::size_t i = 0; i < data.size(); ++i) {
    const Source::Module& module = source.modules[i];
    if (!isMuchData(module)) continue;
    data[i] = module.engine == &engine
                  ? module.loading
                  : std::async([&] { return dataModule(engine, module.wasm.view()); });
  }
  Loaded loaded;
  TRY(loaded.modules, modules(engine, source.modules));
  TRY(loaded.component, kept<WholeComponent>(engine, source.wasm.view(), digest, if_missing));
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (!data[i].valid()) continue;
    TRY(loaded.modules[i], data[i].get());
  }
  return loaded;
}

// Null for much data. Those that are not in use side by side: to compile a small one is not all for
// many threads.
Result<std::vector<NativeCode::SharedModule>> NativeCode::modules(
    const WasmEngine& engine, std::span<const Source::Module> sources) {
  std::vector<SharedModule> found(sources.size());
  std::vector<std::size_t> missing;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    if (isMuchData(sources[i])) continue;
    found[i] = inUse(engine, sources[i].wasm.view());
    if (!found[i]) missing.push_back(i);
  }
  std::atomic<std::size_t> next = 0;
  const auto make_all = [&]() -> Result<void> {
    for (std::size_t i = next++; i < missing.size(); i = next++) {
      TRY(found[missing[i]], make(engine, sources[missing[i]]));
    }
    return {};
  };
  std::vector<std::future<Result<void>>> others;
  const std::size_t threads =
      std::min<std::size_t>(missing.size(), std::max(1U, std::thread::hardware_concurrency()));
  for (std::size_t i = 1; i < threads; ++i) others.push_back(std::async(make_all));
  Result<void> made = make_all();
  for (auto& other : others) {
    auto result = other.get();
    if (made && !result) made = std::move(result);
  }
  TRY_VOID(std::move(made));
  return found;
}

Result<NativeCode::SharedModule> NativeCode::make(const WasmEngine& engine,
                                                  const Source::Module& source) {
  const ByteView wasm = source.wasm.view();
  SharedModule made;
  if (source.is_data) {
    TRY(made, dataModule(engine, wasm));
  } else {
    TRY(CoreModuleHandle code, kept<CoreModule>(engine, wasm, sha256(wasm), IfMissing::kCompile));
    made = std::move(code);
  }
  const std::lock_guard lock(mutex_);
  modules_.push_back({Bytes::copyOf(wasm), engine.fingerprint(), made});
  return made;
}

// To compare takes a fifth of the time of a digest.
NativeCode::SharedModule NativeCode::inUse(const WasmEngine& engine, ByteView wasm) {
  const std::lock_guard lock(mutex_);
  std::erase_if(modules_, [](const auto& known) { return known.module.expired(); });
  for (const KnownModule& known : modules_) {
    if (known.engine == engine.fingerprint() && std::ranges::equal(known.wasm.view(), wasm))
      if (auto module = known.module.lock()) return module;
  }
  return nullptr;
}

}  // namespace nimbus::engine
