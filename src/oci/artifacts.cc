#include "oci/artifacts.h"

#include <array>
#include <utility>

#include <fmt/format.h>

namespace nimbus::oci {
namespace {

constexpr std::uint64_t kMaxCachedManifestBytes = kMaxManifestBytes;

std::unexpected<Error> about(std::string_view what, const Reference& reference, Error cause) {
  const ErrorCode code = cause.code();
  return fail(code, fmt::format("cannot {} {}", what, reference.text()), std::move(cause));
}

// A manifest, following an index to the one that is meant.
Task<Result<Registry::FetchedManifest>> fetchOne(Registry* registry, std::string version) {
  CO_TRY(Registry::FetchedManifest first, co_await registry->fetchManifest(std::move(version)));
  const auto* index = std::get_if<Index>(&first.content);
  if (index == nullptr) co_return first;
  CO_TRY(const Descriptor meant, wasmEntryOf(*index));
  CO_TRY(Registry::FetchedManifest second, co_await registry->fetchManifest(meant.digest.text()));
  if (std::holds_alternative<Index>(second.content))
    co_return fail(ErrorCode::kUnsupported, "the reference names an index of indexes");
  co_return second;
}

Result<bool> isThere(Cache& cache, const Descriptor& layer) {
  TRY(const auto bytes, cache.verify(layer.digest));
  if (!bytes || *bytes == layer.size) return bytes.has_value();
  return fail(ErrorCode::kProtocol, fmt::format("the manifest tells of {} bytes, but {} has {}",
                                                layer.size, layer.digest.text(), *bytes));
}

}  // namespace

Result<std::optional<Pulled>> Artifacts::findCached(const Reference& reference) {
  const auto digest = cache_.find(reference);
  if (!digest) return std::nullopt;
  TRY(const auto document, cache_.read(*digest, kMaxCachedManifestBytes));
  if (!document) return std::nullopt;
  TRY(const auto content, parseManifest(document->text(), ""));
  const auto* manifest = std::get_if<Manifest>(&content);
  if (manifest == nullptr) return std::nullopt;
  TRY(const Descriptor layer, wasmLayerOf(*manifest));
  TRY(const bool there, isThere(cache_, layer));
  if (!there) return std::nullopt;
  return Pulled{reference, *digest, layer.digest, layer.size, cache_.pathOf(layer.digest), false};
}

Task<Result<Pulled>> Artifacts::pull(Reference reference, PullPolicy policy,
                                     RegistryOptions options, Progress* progress) {
  // A digest names the same for ever: there is nothing to ask.
  if (policy != PullPolicy::kAlways || reference.digest) {
    auto cached = findCached(reference);
    if (!cached) co_return about("use the cached", reference, std::move(cached).error());
    if (*cached) co_return **std::move(cached);
  }
  if (policy == PullPolicy::kNever) {
    co_return fail(ErrorCode::kNotFound,
                   fmt::format("{} is not in the cache, and the pull policy \"never\" forbids to "
                               "ask its registry",
                               reference.text()));
  }
  auto pulled = co_await pullAnew(reference, std::move(options), progress);
  if (!pulled) co_return about("pull", reference, std::move(pulled).error());
  co_return pulled;
}

Task<Result<Pulled>> Artifacts::pullAnew(Reference reference, RegistryOptions options,
                                         Progress* progress) {
  const Watched watched(progress, Progress::Direction::kDownload, reference.text());
  CO_TRY(const RegistryEnvironment environment, connect_());
  Registry registry(environment, std::move(options), reference, Access::kPull);
  CO_TRY(const Registry::FetchedManifest fetched,
         co_await fetchOne(&registry, std::string(reference.version())));
  CO_TRY(const Descriptor layer, wasmLayerOf(std::get<Manifest>(fetched.content)));
  CO_TRY(const bool there, isThere(cache_, layer));
  if (!there) {
    CO_TRY(const auto partial, cache_.begin(layer));
    CO_TRY_VOID(co_await registry.fetchBlob(layer, partial.get(), progress));
    CO_TRY_VOID(cache_.keep(*partial, layer.digest));
  }
  CO_TRY_VOID(checkLayer(layer, there));
  CO_TRY_VOID(cache_.put(fetched.document.view()));
  CO_TRY_VOID(cache_.remember(reference, fetched.digest));
  const std::array<Digest, 2> used = {fetched.digest, layer.digest};
  CO_TRY_VOID(cache_.trim(used));
  co_return Pulled{std::move(reference),        fetched.digest, layer.digest, layer.size,
                   cache_.pathOf(layer.digest), !there};
}

// What was there before may be a manifest, which a manifest can name as its layer.
Result<void> Artifacts::checkLayer(const Descriptor& layer, bool was_there) {
  TRY(const auto bytes, cache_.read(layer.digest, layer.size));
  if (!bytes) return fail(ErrorCode::kIo, "what was downloaded has vanished from the cache");
  auto checked = checkWasm(bytes->view());
  // It must not stay, or it would be found again.
  if (!checked && !was_there) cache_.drop(layer.digest);
  return checked;
}

Result<Bytes> Artifacts::read(const Pulled& pulled) {
  TRY(auto bytes, cache_.read(pulled.layer, pulled.bytes));
  if (bytes) return *std::move(bytes);
  return fail(ErrorCode::kNotFound,
              fmt::format("{} has vanished from the cache", pulled.reference.text()));
}

Task<Result<Artifacts::Pushed>> Artifacts::push(Reference reference, WasmArtifact artifact,
                                                RegistryOptions options, Progress* progress) {
  if (reference.tag.empty() || (reference.digest && *reference.digest != artifact.digest)) {
    const std::string_view why = reference.tag.empty()
                                     ? "a push needs a tag"
                                     : "the artifact has another digest than the reference";
    co_return about("push", reference, Error(ErrorCode::kInvalidArgument, std::string(why)));
  }
  auto pushed = co_await pushAll(reference, std::move(artifact), std::move(options), progress);
  if (!pushed) co_return about("push", reference, std::move(pushed).error());
  co_return pushed;
}

Task<Result<Artifacts::Pushed>> Artifacts::pushAll(Reference reference, WasmArtifact artifact,
                                                   RegistryOptions options, Progress* progress) {
  const Watched watched(progress, Progress::Direction::kUpload, reference.text());
  CO_TRY(const RegistryEnvironment environment, connect_());
  Registry registry(environment, std::move(options), reference, Access::kPush);
  CO_TRY(const bool uploaded,
         co_await registry.pushBlob(artifact.layer_descriptor, artifact.layer, progress));
  CO_TRY_VOID(co_await registry.pushBlob(artifact.config_descriptor,
                                         Bytes::take(std::move(artifact.config)), nullptr));
  CO_TRY_VOID(co_await registry.pushManifest(reference.tag, std::move(artifact.manifest)));
  co_return Pushed{artifact.digest, uploaded};
}

}  // namespace nimbus::oci
