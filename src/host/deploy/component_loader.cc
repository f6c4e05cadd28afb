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

engine::Engine::IfMissing ifMissing(Compiling compiling, const engine::Sha256& key) {
  using IfMissing = engine::Engine::IfMissing;
  return compiling.allows(key) ? IfMissing::kCompile : IfMissing::kLeave;
}

Result<ComponentLoader::Code> codeOf(std::string_view name, const engine::Sha256& key,
                                     Result<ComponentLoader::Loaded> loaded) {
  if (!loaded) return ofComponent(name, std::move(loaded).error());
  return ComponentLoader::Code{key, *std::move(loaded)};
}

}  // namespace

bool ComponentLoader::isSettled(const FileStamp& stamp) const {
  const std::chrono::nanoseconds now = clock_.wallNow().time_since_epoch();
  return now - std::chrono::nanoseconds(stamp.changed_ns) > kStampStep;
}

Task<Result<ComponentLoader::Code>> ComponentLoader::load(const ComponentSpec& component,
                                                          Compiling compiling) {
  const FileStamp stamp = stampOf(component.file);
  // What was read before is not what the file is now, perhaps.
  if (auto read = takeRead(component))
    co_return co_await load(component.name, *std::move(read), compiling);
  // The file of an image is named by its digest: it never changes, but for the time of its use.
  const bool immutable = !component.image.empty();
  if (const Known& known = known_[component.file]; known.stamp == stamp || immutable) {
    if (auto loaded = known.component.lock()) {
      CO_TRY_VOID(checkDigest(component, loaded->digest()));
      co_return Code{loaded->digest(), std::move(loaded)};
    }
  }
  CO_TRY(Code code, co_await loadAnew(component, compiling));
  if (isSettled(stamp) || immutable) known_[component.file] = {stamp, code.component};
  co_return code;
}

Task<Result<engine::Engine::FileContent>> ComponentLoader::readFile(
    const ComponentSpec& component) {
  CO_TRY(auto content, co_await engine_.readFileInBackground(control_, component.file, max_bytes_));
  // Before anything is compiled.
  CO_TRY_VOID(checkDigest(component, content.digest));
  co_return content;
}

Task<Result<ComponentLoader::Code>> ComponentLoader::loadAnew(const ComponentSpec& component,
                                                              Compiling compiling) {
  CO_TRY(auto content, co_await readFile(component));
  const engine::Sha256 key = content.digest;
  co_return codeOf(component.name, key,
                   co_await engine_.loadInBackground(control_, std::move(content.bytes), key,
                                                     ifMissing(compiling, key)));
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

Task<Result<ComponentLoader::Code>> ComponentLoader::load(std::string_view name, ReadComponent read,
                                                          Compiling compiling) {
  const engine::Sha256 key = read.digest;
  co_return codeOf(name, key,
                   co_await engine_.loadInBackground(control_, std::move(read.component), key,
                                                     ifMissing(compiling, key)));
}

Task<Result<ComponentLoader::Code>> ComponentLoader::load(std::string_view name,
                                                          wit::Composition composition,
                                                          Compiling compiling) {
  const engine::Sha256 key = engine::compositionKey(composition);
  co_return codeOf(name, key,
                   co_await engine_.loadInBackground(control_, std::move(composition),
                                                     ifMissing(compiling, key)));
}

}  // namespace nimbus::host
