#include "host/deploy/component_loader.h"

#include <chrono>

#include "base/escape.h"
#include "engine/digest.h"

namespace nimbus::host {
namespace {

// File systems count time in steps; two changes within one step have the same stamp.
constexpr std::chrono::nanoseconds kStampStep = std::chrono::seconds(2);

Result<void> checkDigest(const ComponentSpec& component, const engine::Sha256& digest) {
  if (component.digest.empty()) return {};
  const std::string actual = engine::digestText(digest);
  if (actual == component.digest) return {};
  return fail(ErrorCode::kInvalidArgument,
              component.file + " has the digest " + actual + ", not " + component.digest);
}

std::unexpected<Error> ofComponent(std::string_view name, Error cause) {
  const ErrorCode code = cause.code();
  return fail(code, "component " + inQuotes(name), std::move(cause));
}

}  // namespace

bool ComponentLoader::isSettled(const FileStamp& stamp) const {
  const std::chrono::nanoseconds now = clock_.wallNow().time_since_epoch();
  return now - std::chrono::nanoseconds(stamp.changed_ns) > kStampStep;
}

Task<Result<ComponentLoader::Loaded>> ComponentLoader::load(const ComponentSpec& component) {
  const FileStamp stamp = stampOf(component.file);
  // What was read before is not what the file is now, perhaps.
  if (auto read = takeRead(component)) co_return co_await load(component.name, *std::move(read));
  Loaded loaded;
  // The file of an image is named by its digest: it never changes, but for the time of its use.
  const bool immutable = !component.image.empty();
  if (const Known& known = known_[component.file]; known.stamp == stamp || immutable)
    loaded = known.component.lock();
  if (!loaded) {
    CO_TRY(loaded, co_await loadAnew(component));
    if (isSettled(stamp) || immutable) known_[component.file] = {stamp, loaded};
  }
  CO_TRY_VOID(checkDigest(component, loaded->digest()));
  co_return loaded;
}

Task<Result<engine::Engine::FileContent>> ComponentLoader::readFile(
    const ComponentSpec& component) {
  CO_TRY(auto content, co_await engine_.readFileInBackground(control_, component.file, max_bytes_));
  // Before anything is compiled.
  CO_TRY_VOID(checkDigest(component, content.digest));
  co_return content;
}

Task<Result<ComponentLoader::Loaded>> ComponentLoader::loadAnew(const ComponentSpec& component) {
  CO_TRY(auto content, co_await readFile(component));
  auto compiled =
      co_await engine_.loadInBackground(control_, std::move(content.bytes), content.digest);
  if (!compiled) co_return ofComponent(component.name, std::move(compiled).error());
  co_return *std::move(compiled);
}

std::optional<ReadComponent> ComponentLoader::takeRead(const ComponentSpec& component) {
  if (!read_ || component.digest.empty()) return std::nullopt;
  return read_->take(component.digest);
}

Task<Result<ReadComponent>> ComponentLoader::read(const ComponentSpec& component) {
  if (auto known = takeRead(component)) co_return *std::move(known);
  CO_TRY(auto content, co_await readFile(component));
  auto inspected = co_await engine_.inspectInBackground(control_, std::move(content.bytes));
  if (!inspected) co_return ofComponent(component.name, std::move(inspected).error());
  co_return ReadComponent{*std::move(inspected), content.digest};
}

Task<Result<ComponentLoader::Loaded>> ComponentLoader::load(std::string_view name,
                                                            ReadComponent read) {
  auto compiled =
      co_await engine_.loadInBackground(control_, std::move(read.component), read.digest);
  if (!compiled) co_return ofComponent(name, std::move(compiled).error());
  co_return *std::move(compiled);
}

Task<Result<ComponentLoader::Loaded>> ComponentLoader::load(std::string_view name,
                                                            wit::Composition composition) {
  auto compiled = co_await engine_.loadInBackground(control_, std::move(composition));
  if (!compiled) co_return ofComponent(name, std::move(compiled).error());
  co_return *std::move(compiled);
}

}  // namespace nimbus::host
