#include "engine/engine.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <mutex>
#include <thread>

#include "base/sync.h"
#include "engine/background.h"
#include "engine/code_cache.h"
#include "engine/ffi.h"
#include "engine/ticker.h"
#include "engine/wasm_engine.h"
#include "wit/component_info.h"
#include "wit/tools.h"

namespace nimbus::engine {
namespace {

// A guest that computes for longer than this lets others of its shard run.
constexpr Duration kTick = std::chrono::milliseconds(5);

Result<ComponentKind> kindOf(const wit::ComponentInfo& info) {
  switch (wit::runKind(info)) {
    case wit::RunKind::kHttpP3: return ComponentKind::kHttpP3;
    case wit::RunKind::kHttpP2: return ComponentKind::kHttpP2;
    case wit::RunKind::kCommandP3: return ComponentKind::kCommandP3;
    case wit::RunKind::kCommandP2: return ComponentKind::kCommandP2;
    case wit::RunKind::kPreview1:
    case wit::RunKind::kNone: break;
  }
  return fail(ErrorCode::kUnsupported,
              "the component exports neither wasi:http/incoming-handler@0.2, wasi:http/handler@0.3 "
              "nor wasi:cli/run, so there is nothing to run");
}

struct ComponentDeleter {
  void operator()(NimbusComponent* component) const { nimbus_component_free(component); }
};
using ComponentHandle = std::unique_ptr<NimbusComponent, ComponentDeleter>;

}  // namespace

struct Engine::Impl {
  Impl(EngineOptions chosen, Logger& logger) : options(std::move(chosen)), log(logger) {}

  EngineOptions options;
  Logger& log;
  BudgetHandle budget;
  std::optional<CodeCache> cache;

  mutable std::mutex mutex;  // guards what follows
  std::array<std::unique_ptr<WasmEngine>, 2> engines;
  struct Loaded {
    std::mutex loading;  // held while this component is being loaded: once, however many ask
    std::weak_ptr<const Component> component;
  };
  std::map<Sha256, std::shared_ptr<Loaded>> components;

  std::unique_ptr<Ticker> ticker;
  std::unique_ptr<Background> background;

  Result<const WasmEngine*> engineFor(const wit::ComponentInfo& info);
  Result<const WasmEngine*> engineOf(Flavour flavour);
  std::shared_ptr<Loaded> slot(const Sha256& digest);
  void forgetUnused();
  Result<ComponentHandle> native(const WasmEngine& engine, const Sha256& digest, ByteView wasm);
  Result<std::shared_ptr<const Component>> make(const Sha256& digest, ByteView wasm);
  Result<std::shared_ptr<const Component>> load(ByteView wasm);
};

Result<const WasmEngine*> Engine::Impl::engineOf(Flavour flavour) {
  const std::lock_guard lock(mutex);
  std::unique_ptr<WasmEngine>& engine = engines[static_cast<std::size_t>(flavour)];
  if (!engine) {
    TRY(engine, WasmEngine::create(options, flavour, *budget));
  }
  return engine.get();
}

Result<const WasmEngine*> Engine::Impl::engineFor(const wit::ComponentInfo& info) {
  const bool full =
      info.needsFullEngine() || options.selection == EngineOptions::Selection::kAlwaysFull;
  return engineOf(full ? Flavour::kConcurrent : Flavour::kPlain);
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

Result<ComponentHandle> Engine::Impl::native(const WasmEngine& engine, const Sha256& digest,
                                             ByteView wasm) {
  if (cache) {
    if (const auto entry = cache->find(digest, engine.fingerprint())) {
      ComponentHandle mapped(nimbus_component_map(engine.raw(), toStr(entry->path())));
      if (mapped) return mapped;
      log.warn("cached code does not load: compiling again", {{"reason", nimbus_last_error()}});
    }
  }
  NimbusOwnedBytes owned{};
  if (nimbus_compile(engine.raw(), toStr(wasm), &owned) != 0) {
    return failLast(ErrorCode::kInvalidArgument, "the component does not compile");
  }
  const Bytes code = fromOwned(owned);
  if (cache) {
    if (const auto kept = cache->put(digest, engine.fingerprint(), code.view()); !kept) {
      log.warn("compiled code was not kept", {{"reason", kept.error().describe()}});
    } else if (const auto entry = cache->find(digest, engine.fingerprint())) {
      // Mapped, unlike the copy in hand, the code costs no memory that cannot be paged out.
      ComponentHandle mapped(nimbus_component_map(engine.raw(), toStr(entry->path())));
      if (mapped) return mapped;
    }
  }
  ComponentHandle loaded(nimbus_component_load(engine.raw(), toStr(code.view())));
  if (!loaded) return failLast(ErrorCode::kInternal, "compiled code does not load");
  return loaded;
}

Result<std::shared_ptr<const Component>> Engine::Impl::make(const Sha256& digest, ByteView wasm) {
  TRY(wit::ComponentInfo info, wit::inspectComponent(wasm));
  Bytes wrapped;
  if (wit::runKind(info) == wit::RunKind::kPreview1) {
    TRY(wrapped, wit::wrapPreview1(wasm));
    TRY(info, wit::inspectComponent(wrapped.view()));
  }
  const ByteView component_bytes = wrapped.empty() ? wasm : wrapped.view();
  TRY(const ComponentKind kind, kindOf(info));
  TRY(const WasmEngine* engine, engineFor(info));
  TRY(ComponentHandle component, native(*engine, digest, component_bytes));
  NimbusLinked* linked =
      nimbus_linked_new(engine->raw(), component.get(), static_cast<std::int32_t>(kind));
  if (linked == nullptr) return failLast(ErrorCode::kUnsupported, "the component cannot be linked");
  return std::make_shared<const Component>(Component::Parts{.digest = digest,
                                                            .kind = kind,
                                                            .info = std::move(info),
                                                            .wasm_bytes = wasm.size(),
                                                            .component = component.release(),
                                                            .linked = linked});
}

Result<std::shared_ptr<const Component>> Engine::Impl::load(ByteView wasm) {
  const Sha256 digest = sha256(wasm);
  const std::shared_ptr<Loaded> loaded = slot(digest);
  const std::lock_guard lock(loaded->loading);
  if (auto known = loaded->component.lock()) return known;
  auto made = make(digest, wasm);
  if (made) loaded->component = *made;
  forgetUnused();
  return made;
}

Engine::Engine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Engine::~Engine() = default;

Result<std::unique_ptr<Engine>> Engine::create(EngineOptions options, Logger& log) {
  auto impl = std::make_unique<Impl>(std::move(options), log);
  impl->budget.reset(nimbus_budget_new(impl->options.max_total_memory_bytes));
  if (!impl->options.cache_folder.empty()) {
    TRY(impl->cache,
        CodeCache::open(impl->options.cache_folder, impl->options.cache_max_bytes, log));
  }
  const std::size_t threads = impl->options.compile_threads != 0
                                  ? impl->options.compile_threads
                                  : std::max(1U, std::thread::hardware_concurrency());
  impl->background = std::make_unique<Background>(threads);
  impl->ticker = std::make_unique<Ticker>(kTick, [raw = impl.get()] {
    const std::lock_guard lock(raw->mutex);
    for (const auto& engine : raw->engines) {
      if (engine) engine->tick();
    }
  });
  return std::unique_ptr<Engine>(new Engine(std::move(impl)));
}

Result<std::shared_ptr<const Component>> Engine::load(ByteView wasm) { return impl_->load(wasm); }

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
};

// Runs `work` on a background thread and resumes on the shard. The caller may be destroyed
// meanwhile, and the shard after it: the result is then dropped.
template <typename Value>
Task<Value> runInBackground(Background& background, net::Shard& shard,
                            std::move_only_function<Value()> work) {
  const auto delivery = std::make_shared<Delivery<Value>>();
  delivery->shard = &shard;
  const std::unique_ptr<Delivery<Value>, void (*)(Delivery<Value>*)> waiting(
      delivery.get(), [](Delivery<Value>* left) { left->giveUp(); });
  background.run(
      [delivery, work = std::move(work)]() mutable { delivery->deliver(work(), delivery); });
  co_return co_await delivery->result.wait();
}

Result<Bytes> readFile(const std::string& path, std::uint64_t max_bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && errno == ENOENT) return fail(ErrorCode::kNotFound, "there is no file " + path);
  if (fd < 0) return failErrno("cannot read " + path, errno);
  const std::unique_ptr<const int, void (*)(const int*)> closer(
      &fd, [](const int* open_fd) { ::close(*open_fd); });
  struct stat info{};
  if (::fstat(fd, &info) != 0) return failErrno("cannot read " + path, errno);
  if (!S_ISREG(info.st_mode)) return fail(ErrorCode::kInvalidArgument, path + " is not a file");
  if (static_cast<std::uint64_t>(info.st_size) > max_bytes) {
    return fail(ErrorCode::kResourceExhausted,
                path + " is larger than " + std::to_string(max_bytes) + " bytes");
  }
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t filled = 0;
  while (filled < text.size()) {
    const ssize_t got = ::read(fd, text.data() + filled, text.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failErrno("cannot read " + path, errno);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  text.resize(filled);
  return Bytes::take(std::move(text));
}

}  // namespace

Task<Result<std::shared_ptr<const Component>>> Engine::loadInBackground(net::Shard& shard,
                                                                        Bytes wasm) {
  using Loaded = Result<std::shared_ptr<const Component>>;
  return runInBackground<Loaded>(*impl_->background, shard,
                                 [impl = impl_.get(), wasm] { return impl->load(wasm.view()); });
}

Task<Result<Bytes>> Engine::readFileInBackground(net::Shard& shard, std::string path,
                                                 std::uint64_t max_bytes) {
  return runInBackground<Result<Bytes>>(
      *impl_->background, shard,
      [path = std::move(path), max_bytes] { return readFile(path, max_bytes); });
}

std::optional<std::uint64_t> Engine::cachedCodeBytes(ByteView wasm) {
  if (!impl_->cache) return std::nullopt;
  const Sha256 digest = sha256(wasm);
  for (const Flavour flavour : {Flavour::kPlain, Flavour::kConcurrent}) {
    const auto engine = impl_->engineOf(flavour);
    if (!engine) continue;
    if (const auto entry = impl_->cache->find(digest, (*engine)->fingerprint())) {
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
