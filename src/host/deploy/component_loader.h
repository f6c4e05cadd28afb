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
  // Errors: those of Engine::load(), kNotFound, kResourceExhausted (larger than `max_bytes`), and
  // kInvalidArgument if the manifest's digest is another.
  [[nodiscard]] Task<Result<Loaded>> load(const ComponentSpec& component);

  // Without compiling; the same errors.
  [[nodiscard]] Task<Result<ReadComponent>> read(const ComponentSpec& component);
  // What was read, alone or composed; `name` is for errors.
  [[nodiscard]] Task<Result<Loaded>> load(std::string_view name, ReadComponent read);
  [[nodiscard]] Task<Result<Loaded>> load(std::string_view name, wit::Composition composition);

 private:
  struct Known {
    FileStamp stamp;
    std::weak_ptr<const engine::Component> component;
    [[nodiscard]] bool expired() const { return component.expired(); }
  };
  // Checks the manifest's digest.
  [[nodiscard]] Task<Result<engine::Engine::FileContent>> readFile(const ComponentSpec& component);
  [[nodiscard]] Task<Result<Loaded>> loadAnew(const ComponentSpec& component);
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
