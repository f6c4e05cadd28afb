#include "engine/engine.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <future>
#include <iterator>
#include <map>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <thread>

#include <fmt/format.h>

#include "base/files.h"
#include "base/size_text.h"
#include "base/sync.h"
#include "engine/background.h"
#include "engine/composition.h"
#include "engine/entry_type.h"
#include "engine/ffi.h"
#include "engine/native_code.h"
#include "engine/tick_pace.h"
#include "engine/ticker.h"
#include "engine/wasm_engine.h"
#include "wit/component_info.h"
#include "wit/split.h"
#include "wit/tools.h"

namespace nimbus::engine {
namespace {

// Of components with calls to inline. To compile so takes some 270 bytes of memory for each of
// these, and without inlining some 30.
constexpr std::size_t kMostInlinedBytes = 1 << 20;

constexpr std::size_t kMostChecked = 64;

Result<ComponentKind> kindOf(const wit::ComponentInfo& info) {
  switch (wit::runKind(info)) {
    case wit::RunKind::kHttpP3: return ComponentKind::kHttpP3;
    case wit::RunKind::kHttpP2: return ComponentKind::kHttpP2;
    case wit::RunKind::kCommandP3: return ComponentKind::kCommandP3;
    case wit::RunKind::kCommandP2: return ComponentKind::kCommandP2;
    case wit::RunKind::kPreview1:
    case wit::RunKind::kNone: break;
  }
  if (info.kind == wit::BinaryKind::kComponent && !info.exports.empty()) {
    return ComponentKind::kLibrary;
  }
  return fail(ErrorCode::kUnsupported, "the component exports nothing that could be called");
}

// Each memory must fit a slot of the pool, also one that no instance has.
Result<void> checkMemories(const wit::ComponentInfo& info, std::uint64_t limit) {
  if (std::ranges::any_of(info.memories, &wit::MemoryInfo::shared))
    return fail(ErrorCode::kUnsupported,
                "the component has a shared memory, and there are none here: no limit counts "
                "them, and who waits for one keeps its thread (of the proposal threads there are "
                "the instructions)");
  const std::uint64_t most = info.largestInitialMemoryBytes();
  if (most <= limit) return {};
  return fail(ErrorCode::kUnsupported,
              fmt::format("the component has a memory of {} from its start on, and an instance has "
                          "at most {} here (memoryPerInstanceMb)",
                          mebibytesText(most), mebibytesText(limit)));
}

// Resolves imports; an error tells what the labels of a composition stand for.
Result<NimbusLinked*> link(const WasmEngine& engine, const NativeCode::Loaded& native,
                           ComponentKind kind, bool single, const wit::Composition& composition) {
  const auto raw_kind = static_cast<std::int32_t>(kind);
  std::vector<const NimbusCoreModule*> modules;
  for (const auto& module : native.modules) modules.push_back(module.get());
  NimbusLinked* linked = nullptr;
  if (composition.parts.empty()) {
    linked = nimbus_linked_new(engine.raw(), native.component.get(), raw_kind,
                               static_cast<std::uint8_t>(single), modules.data(), modules.size());
  } else {
    const std::vector<NimbusLabel> labels = rawLabels(composition);
    linked = nimbus_linked_new_composed(engine.raw(), native.component.get(), raw_kind,
                                        labels.data(), labels.size(), composition.parts.size(),
                                        modules.data(), modules.size());
  }
  if (linked != nullptr) return linked;
  auto failed = failLast(ErrorCode::kUnsupported, "the component cannot be linked");
  const std::string explained = labelMeaning(composition, failed.error().message());
  if (explained.empty()) return failed;
  return fail(ErrorCode::kUnsupported, explained, std::move(failed).error());
}

// Of what is left of several composed, `rest`, as it is of all of them.
Result<wit::ComponentInfo> infoOf(ByteView rest, const wit::Composition& composition) {
  TRY(wit::ComponentInfo info, wit::inspectComponent(rest));
  std::erase_if(info.imports, [](const auto& import) { return import.kind == "module"; });
  info.memories.clear();
  for (const auto& part : composition.parts)
    std::ranges::copy(part.info.memories, std::back_inserter(info.memories));
  return info;
}

}  // namespace

struct Engine::Impl {
  Impl(EngineOptions chosen, Logger& logger)
      : options(std::move(chosen)), log(logger), code(logger) {}

  EngineOptions options;
  Logger& log;
  BudgetHandle budget;

  mutable std::mutex mutex;  // guards what follows
  std::array<std::unique_ptr<WasmEngine>, Flavour::kCount> engines;
  struct Loaded {
    // Of one alone while it may be compiled: once, however many ask. Shared by those who only look
    // for it, one after the other.
    std::shared_mutex use;
    std::mutex looking;
    std::weak_ptr<const Component> component;
  };
  std::map<Sha256, std::shared_ptr<Loaded>> components;
  std::set<Sha256> checked;  // what has an entry of the right type

  NativeCode code;  // loads for the engines, which outlive it

  std::unique_ptr<Ticker> ticker;
  std::unique_ptr<Background> finding;  // what does not take long, as that is bounded by its size
  std::unique_ptr<Background> compiling;

  bool isEditing() const { return options.compile == EngineOptions::Compile::kForEditing; }
  Flavour flavourFor(bool concurrent, const wit::ComponentInfo& info, ByteView wasm) const;
  Flavour flavourFor(const wit::ComponentInfo& info, ByteView wasm) const;
  Result<const WasmEngine*> engineFor(const wit::ComponentInfo& info, ByteView wasm);
  const WasmEngine* madeFor(const wit::ComponentInfo& info, ByteView wasm) const;  // null: not yet
  Result<const WasmEngine*> engineOf(Flavour flavour);
  std::shared_ptr<Loaded> slot(const Sha256& digest);
  void forgetUnused();
  Result<void> checkEntry(const Sha256& digest, ByteView wasm, ComponentKind kind);
  using ComponentResult = Result<std::shared_ptr<const Component>>;
  ComponentResult make(const Sha256& digest, const Bytes& wasm, IfMissing if_missing);
  ComponentResult make(const Sha256& digest, const Inspected& component, IfMissing if_missing);
  ComponentResult make(const Sha256& key, const wit::Composition& composition,
                       IfMissing if_missing);
  ComponentResult finish(const Sha256& key, const NativeCode::Source& source,
                         wit::ComponentInfo info, const wit::Composition& composition,
                         IfMissing if_missing);
  // Makes it of `source` unless somebody has it.
  template <typename Source>
  ComponentResult shared(const Sha256& key, const Source& source,
                         IfMissing if_missing = IfMissing::kCompile);
  template <typename Source>
  ComponentResult keptOrMade(Loaded& loaded, const Sha256& key, const Source& source,
                             IfMissing if_missing);
  Background& threadsFor(IfMissing if_missing) {
    return if_missing == IfMissing::kCompile ? *compiling : *finding;
  }
  Duration tick();  // on the ticker's thread only
  TickPace pace;    // the same
};

Duration Engine::Impl::tick() {
  const bool cut_short = nimbus_tick(pace.sliceTicks()) != 0;
  {
    const std::lock_guard lock(mutex);
    for (const auto& engine : engines) {
      if (engine) engine->tick();
    }
  }
  const TimePoint now = std::chrono::steady_clock::now();
  return pace.next(cut_short || SliceHistory::anyComputesLong(now), now);
}

Result<const WasmEngine*> Engine::Impl::engineOf(Flavour flavour) {
  const std::lock_guard lock(mutex);
  std::unique_ptr<WasmEngine>& engine = engines.at(flavour.index());
  if (!engine) {
    TRY(engine, WasmEngine::create(options, flavour, *budget));
  }
  return engine.get();
}

Flavour Engine::Impl::flavourFor(bool concurrent, const wit::ComponentInfo& info,
                                 ByteView wasm) const {
  return {.concurrent = concurrent,
          .inlining = !isEditing() && info.has_inner_calls && wasm.size() <= kMostInlinedBytes};
}

Flavour Engine::Impl::flavourFor(const wit::ComponentInfo& info, ByteView wasm) const {
  const bool full =
      info.needsFullEngine() || options.selection == EngineOptions::Selection::kAlwaysFull;
  return flavourFor(full, info, wasm);
}

Result<const WasmEngine*> Engine::Impl::engineFor(const wit::ComponentInfo& info, ByteView wasm) {
  return engineOf(flavourFor(info, wasm));
}

const WasmEngine* Engine::Impl::madeFor(const wit::ComponentInfo& info, ByteView wasm) const {
  const std::lock_guard lock(mutex);
  return engines.at(flavourFor(info, wasm).index()).get();
}

std::shared_ptr<Engine::Impl::Loaded> Engine::Impl::slot(const Sha256& digest) {
  const std::lock_guard lock(mutex);
  std::shared_ptr<Loaded>& loaded = components[digest];
  if (!loaded) loaded = std::make_shared<Loaded>();
  return loaded;
}

void Engine::Impl::forgetUnused() {
  const std::lock_guard lock(mutex);
  std::erase_if(components, [](const auto& entry) {
    return entry.second.use_count() == 1 && entry.second->component.expired();
  });
}

// Once: of what is in parts an edit hardly changes any type, and to read them all takes a while.
Result<void> Engine::Impl::checkEntry(const Sha256& digest, ByteView wasm, ComponentKind kind) {
  {
    const std::lock_guard lock(mutex);
    if (checked.contains(digest)) return {};
  }
  TRY_VOID(checkEntryType(wasm, kind));
  const std::lock_guard lock(mutex);
  if (checked.size() >= kMostChecked) checked.clear();
  checked.insert(digest);
  return {};
}

// Null if it is missing and left so, or is in parts and cannot be had so: what is wrong with it, if
// anything, is told of the component as it is.
Engine::Impl::ComponentResult Engine::Impl::finish(const Sha256& key,
                                                   const NativeCode::Source& source,
                                                   wit::ComponentInfo info,
                                                   const wit::Composition& composition,
                                                   IfMissing if_missing) {
  const ByteView wasm = source.wasm.view();
  TRY(const ComponentKind kind, kindOf(info));
  TRY_VOID(checkMemories(info, options.max_memory_bytes));
  TRY(const WasmEngine* engine, engineFor(info, wasm));
  // Not `key`: a module that was wrapped has another digest.
  const Sha256 digest = sha256(wasm);
  // Of what is edited beside compiling, of others before it.
  auto checked =
      std::async(isEditing() ? std::launch::async | std::launch::deferred : std::launch::deferred,
                 [&] { return checkEntry(digest, wasm, kind); });
  if (!isEditing()) TRY_VOID(checked.get());
  auto native = code.load(*engine, source, digest, if_missing);
  if (checked.valid()) TRY_VOID(checked.get());
  if (native && !native->component) return nullptr;
  const auto linked = native ? link(*engine, *native, kind, !info.has_inner_calls, composition)
                             : std::unexpected(native.error());
  if (!linked) {
    const bool of_parts = !native || linked.error().describe().contains(wit::kModuleImport);
    if (!source.isInParts() || !of_parts) return std::unexpected(linked.error());
    log.debug("a component is compiled whole", {{"reason", linked.error().describe()}});
    return nullptr;
  }
  ImportTypes types;
  if (nimbus_linked_function_count(*linked) > 0) {
    if (auto read = ImportTypes::read(wasm)) types = *std::move(read);
  }
  return std::make_shared<const Component>(
      Component::Parts{.digest = key,
                       .kind = kind,
                       .info = std::move(info),
                       .slots = std::max<std::size_t>(1, composition.parts.size()),
                       .labels = composition.labels,
                       .types = std::move(types),
                       .modules = std::move(native->modules),
                       .component = native->component.release(),
                       .linked = *linked});
}

Engine::Impl::ComponentResult Engine::Impl::make(const Sha256& digest, const Bytes& wasm,
                                                 IfMissing if_missing) {
  TRY(const Inspected inspected, inspect(wasm));
  return make(digest, inspected, if_missing);
}

Engine::Impl::ComponentResult Engine::Impl::make(const Sha256& digest, const Inspected& component,
                                                 IfMissing if_missing) {
  if (isEditing() && if_missing == IfMissing::kCompile) {
    if (const auto parts = code.split(component.wasm.view())) {
      TRY(auto made, finish(digest, *parts, component.info, {}, if_missing));
      if (made) return made;
    }
  }
  return finish(digest, {component.wasm, {}}, component.info, {}, if_missing);
}

Engine::Impl::ComponentResult Engine::Impl::make(const Sha256& key,
                                                 const wit::Composition& composition,
                                                 IfMissing if_missing) {
  if (isEditing() && if_missing == IfMissing::kCompile) {
    if (const auto parts = code.split(composition)) {
      if (auto info = infoOf(parts->wasm.view(), composition)) {
        TRY(auto made, finish(key, *parts, *std::move(info), composition, if_missing));
        if (made) return made;
      }
    }
  }
  TRY(const Bytes wasm, wit::compose(composition));
  TRY(wit::ComponentInfo info, wit::inspectComponent(wasm.view()));
  return finish(key, {wasm, {}}, std::move(info), composition, if_missing);
}

template <typename Source>
Engine::Impl::ComponentResult Engine::Impl::shared(const Sha256& key, const Source& source,
                                                   IfMissing if_missing) {
  const std::shared_ptr<Loaded> loaded = slot(key);
  if (if_missing == IfMissing::kCompile) {
    const std::lock_guard alone(loaded->use);
    return keptOrMade(*loaded, key, source, if_missing);
  }
  const std::shared_lock together(loaded->use, std::try_to_lock);
  if (!together) return nullptr;  // it is being compiled
  const std::lock_guard turn(loaded->looking);
  return keptOrMade(*loaded, key, source, if_missing);
}

template <typename Source>
Engine::Impl::ComponentResult Engine::Impl::keptOrMade(Loaded& loaded, const Sha256& key,
                                                       const Source& source, IfMissing if_missing) {
  if (auto known = loaded.component.lock()) return known;
  auto made = make(key, source, if_missing);
  if (made) loaded.component = *made;
  forgetUnused();
  return made;
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::create(EngineOptions options, Logger& log) {
  auto impl = std::make_unique<Impl>(std::move(options), log);
  impl->budget.reset(nimbus_budget_new(impl->options.max_total_memory_bytes));
  if (!impl->options.cache_folder.empty()) {
    auto cache = CodeCache::open(impl->options.cache_folder, impl->options.cache_max_bytes, log);
    if (!cache && !impl->options.cache_is_default) return std::unexpected(cache.error());
    if (cache) {
      impl->code.useCache(*std::move(cache));
    } else {
      log.warn("native code is not kept between runs", {{"reason", cache.error().describe()}});
    }
  }
  const std::size_t threads = impl->options.compile_threads != 0
                                  ? impl->options.compile_threads
                                  : std::max(1U, std::thread::hardware_concurrency());
  impl->finding = std::make_unique<Background>(threads);
  impl->compiling = std::make_unique<Background>(threads);
  impl->ticker =
      std::make_unique<Ticker>(TickPace::kSlice, [raw = impl.get()] { return raw->tick(); });
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Result<Engine::Inspected> Engine::inspect(Bytes wasm) {
  TRY(wit::ComponentInfo info, wit::inspectComponent(wasm.view()));
  if (wit::runKind(info) == wit::RunKind::kPreview1) {
    TRY(wasm, wit::wrapPreview1(wasm.view()));
    TRY(info, wit::inspectComponent(wasm.view()));
  }
  return Inspected{std::move(wasm), std::move(info)};
}

Result<std::shared_ptr<const Component>> Engine::load(ByteView wasm) {
  return impl_->shared(sha256(wasm), Bytes(wasm, nullptr));
}

Result<std::shared_ptr<const Component>> Engine::load(const wit::Composition& composition) {
  return impl_->shared(compositionKey(composition), composition);
}

namespace {

// A result on its way from a background thread to a shard.
template <typename Value>
struct Delivery {
  std::mutex mutex;
  net::Shard* shard;      // under the mutex; null once nobody waits, for it may be gone then
  OneShot<Value> result;  // the shard's

  void deliver(Value value, std::shared_ptr<Delivery> self) {
    const std::lock_guard lock(mutex);
    if (shard == nullptr) return;
    shard->post([self = std::move(self), value = std::move(value)]() mutable {
      self->result.set(std::move(value));
    });
  }
  void giveUp() {
    const std::lock_guard lock(mutex);
    shard = nullptr;
  }
  [[nodiscard]] bool isGivenUp() {
    const std::lock_guard lock(mutex);
    return shard == nullptr;
  }
};

// Runs `work` on a background thread and resumes on the shard. The caller may be destroyed
// meanwhile, and the shard after it: the work is then not begun, or its result dropped.
template <typename Value>
Task<Value> runInBackground(Background& background, net::Shard& shard,
                            std::move_only_function<Value()> work) {
  const auto delivery = std::make_shared<Delivery<Value>>();
  delivery->shard = &shard;
  const std::unique_ptr<Delivery<Value>, void (*)(Delivery<Value>*)> waiting(
      delivery.get(), [](Delivery<Value>* left) { left->giveUp(); });
  background.run([delivery, work = std::move(work)]() mutable {
    if (!delivery->isGivenUp()) delivery->deliver(work(), delivery);
  });
  co_return co_await delivery->result.wait();
}

}  // namespace

Task<Result<std::shared_ptr<const Component>>> Engine::loadInBackground(
    net::Shard& shard, Bytes wasm, std::optional<Sha256> digest, IfMissing if_missing) {
  return runInBackground<Result<std::shared_ptr<const Component>>>(
      impl_->threadsFor(if_missing), shard, [this, wasm, digest, if_missing] {
        return impl_->shared(digest ? *digest : sha256(wasm.view()), wasm, if_missing);
      });
}

Task<Result<std::shared_ptr<const Component>>> Engine::loadInBackground(
    net::Shard& shard, wit::Composition composition, IfMissing if_missing) {
  return runInBackground<Result<std::shared_ptr<const Component>>>(
      impl_->threadsFor(if_missing), shard,
      [this, composition = std::move(composition), if_missing] {
        return impl_->shared(compositionKey(composition), composition, if_missing);
      });
}

Task<Result<std::shared_ptr<const Component>>> Engine::loadInBackground(net::Shard& shard,
                                                                        Inspected component,
                                                                        const Sha256& digest,
                                                                        IfMissing if_missing) {
  return runInBackground<Result<std::shared_ptr<const Component>>>(
      impl_->threadsFor(if_missing), shard,
      [this, component = std::move(component), digest, if_missing] {
        return impl_->shared(digest, component, if_missing);
      });
}

void Engine::expect(const std::string& name, Inspected& component) {
  if (!impl_->isEditing()) return;
  const WasmEngine* engine = impl_->madeFor(component.info, component.wasm.view());
  component.wasm = impl_->code.expect(engine, name, std::move(component.wasm));
}

Task<Result<Engine::Inspected>> Engine::inspectInBackground(net::Shard& shard, Bytes wasm) {
  return runInBackground<Result<Inspected>>(*impl_->finding, shard,
                                            [wasm] { return inspect(wasm); });
}

Task<Result<Engine::FileContent>> Engine::readFileInBackground(net::Shard& shard, std::string path,
                                                               std::uint64_t max_bytes) {
  return runInBackground<Result<FileContent>>(
      *impl_->finding, shard, [path = std::move(path), max_bytes]() -> Result<FileContent> {
        TRY(std::string content, readFile(path, max_bytes));
        const Sha256 digest = sha256(asBytes(content));
        return FileContent{.bytes = Bytes::take(std::move(content)), .digest = digest};
      });
}

std::optional<std::uint64_t> Engine::cachedCodeBytes(ByteView wasm) {
  std::optional<CodeCache>& cache = impl_->code.cache();
  if (!cache) return std::nullopt;
  const auto inspected = inspect(Bytes::copyOf(wasm));
  if (!inspected) return std::nullopt;
  const ByteView compiled = inspected->wasm.view();
  const Sha256 digest = sha256(compiled);
  for (const bool concurrent : {false, true}) {
    const auto engine = impl_->engineOf(impl_->flavourFor(concurrent, inspected->info, compiled));
    if (!engine) continue;
    if (const auto entry = cache->find(digest, (*engine)->fingerprint())) {
      return entry->codeBytes();
    }
  }
  return std::nullopt;
}

std::uint64_t Engine::guestMemoryBytes() const { return nimbus_budget_used(impl_->budget.get()); }

std::size_t Engine::loadedComponents() const {
  const std::lock_guard lock(impl_->mutex);
  return static_cast<std::size_t>(std::ranges::count_if(
      impl_->components, [](const auto& entry) { return !entry.second->component.expired(); }));
}

std::string_view engineVersion() { return nimbus_engine_version(); }

}  // namespace nimbus::engine
