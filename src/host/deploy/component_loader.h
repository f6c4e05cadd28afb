#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/files.h"
#include "base/result.h"
#include "base/task.h"
#include "engine/engine.h"
#include "host/deploy/expiring_map.h"
#include "host/deploy/read_components.h"
#include "host/manifest/manifest.h"
#include "net/shard.h"

namespace nimbus::host {

// Which components a load may have compiled, by their keys; others it only finds, loaded or in the
// code cache.
class Compiling {
 public:
  [[nodiscard]] static Compiling everything() { return Compiling(true, std::nullopt); }
  [[nodiscard]] static Compiling nothing() { return Compiling(false, std::nullopt); }
  [[nodiscard]] static Compiling only(const engine::Sha256& key) { return Compiling(false, key); }
  [[nodiscard]] bool allows(const engine::Sha256& key) const { return all_ || one_ == key; }

 private:
  Compiling(bool all, std::optional<engine::Sha256> one) : all_(all), one_(one) {}

  bool all_;
  std::optional<engine::Sha256> one_;
};

// Turns the files that manifests name into components. A file whose component is in use already is
// not read again while its stamp says that it has not changed, so that the thousandth workload of a
// component costs neither reading nor hashing it. Lives on the control shard.
class ComponentLoader {
 public:
  // `read`: what need not be read; may be null.
  ComponentLoader(net::Shard& control, engine::Engine& engine, std::uint64_t max_bytes,
                  const Clock& clock, std::shared_ptr<ReadComponents> read = nullptr)
      : control_(control),
        engine_(engine),
        max_bytes_(max_bytes),
        clock_(clock),
        read_(std::move(read)) {}

  using Loaded = std::shared_ptr<const engine::Component>;
  struct Code {
    engine::Sha256 key;  // by which the engine knows it
    Loaded component;    // null: it would have to be compiled
  };
  // Errors: those of Engine::load(), kNotFound, kResourceExhausted (larger than `max_bytes`), and
  // kInvalidArgument if the manifest's digest is another.
  [[nodiscard]] Task<Result<Code>> load(const ComponentSpec& component, Compiling compiling);

  // Without compiling; the same errors.
  [[nodiscard]] Task<Result<ReadComponent>> read(const ComponentSpec& component);
  // What was read, alone or composed; `name` is for errors.
  [[nodiscard]] Task<Result<Code>> load(std::string_view name, ReadComponent read,
                                        Compiling compiling);
  [[nodiscard]] Task<Result<Code>> load(std::string_view name, wit::Composition composition,
                                        Compiling compiling);

 private:
  struct Known {
    FileStamp stamp;
    std::weak_ptr<const engine::Component> component;
    [[nodiscard]] bool expired() const { return component.expired(); }
  };
  // Checks the manifest's digest.
  [[nodiscard]] Task<Result<engine::Engine::FileContent>> readFile(const ComponentSpec& component);
  [[nodiscard]] Task<Result<Code>> loadAnew(const ComponentSpec& component, Compiling compiling);
  [[nodiscard]] std::optional<ReadComponent> takeRead(const ComponentSpec& component);
  // Whether a change of the file from now on is certain to give it another stamp.
  [[nodiscard]] bool isSettled(const FileStamp& stamp) const;

  net::Shard& control_;
  engine::Engine& engine_;
  const std::uint64_t max_bytes_;
  const Clock& clock_;
  const std::shared_ptr<ReadComponents> read_;
  ExpiringMap<Known> known_;  // by path
};

}  // namespace nimbus::host
