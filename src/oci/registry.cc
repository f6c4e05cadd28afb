#include "oci/registry.h"

#include <utility>

#include <fmt/format.h>

#include "oci/answer.h"

namespace nimbus::oci {
namespace {

RegistryOptions withPause(RegistryOptions options, net::Shard& shard) {
  if (!options.retry.pause)
    options.retry.pause = [&shard](Duration duration) { return shard.sleepFor(duration); };
  return options;
}

std::string mediaTypeOf(const RegistryAnswer& answer) {
  const std::string_view field = answer.field("content-type").value_or("");
  return std::string(field.substr(0, field.find_first_of("; ")));
}

// What the registry says that the digest is; nothing if it says nothing we can check.
std::optional<Digest> saidDigest(const RegistryAnswer& answer) {
  const auto field = answer.field("docker-content-digest");
  return field ? Digest::parse(*field) : std::nullopt;
}

}  // namespace

Registry::Registry(RegistryEnvironment environment, RegistryOptions options, Reference reference,
                   Access access)
    : options_(withPause(std::move(options), environment.shard)),
      reference_(std::move(reference)),
      requester_(environment, options_, reference_, access) {}

Task<Result<Registry::FetchedManifest>> Registry::fetchManifest(std::string version) {
  co_return co_await retrying<FetchedManifest>(options_.retry,
                                               [this, version] { return tryManifest(version); });
}

Task<Attempt<Registry::FetchedManifest>> Registry::tryManifest(std::string version) {
  RegistryRequest request{"GET", requester_.urlOf("manifests/" + version), {}, {}, {}};
  request.headers.add("accept", std::string(kManifestType) + ", " + std::string(kIndexType));
  auto answer = co_await requester_.send(std::move(request));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  if (answer->status() != 200)
    co_return std::unexpected(co_await requester_.refusal(*std::move(answer)));
  auto text = co_await readBounded(answer->response->body(), kMaxManifestBytes);
  if (!text) {
    Error error(text.error().code(), "cannot receive the manifest", text.error());
    if (text.error().code() == ErrorCode::kResourceExhausted) co_return useless(std::move(error));
    co_return retryLater(std::move(error));
  }
  const Digest digest = Digest::of(asBytes(*text));
  const auto wanted = Digest::parse(version);
  const auto said = saidDigest(*answer);
  if ((wanted && *wanted != digest) || (said && *said != digest)) {
    co_return useless(
        Error(ErrorCode::kProtocol,
              fmt::format("the registry {} sends a manifest with the digest {}, not "
                          "{}: it is damaged or forged",
                          reference_.registry, digest.text(), (wanted ? *wanted : *said).text())));
  }
  auto content = parseManifest(*text, mediaTypeOf(*answer));
  if (!content) co_return useless(std::move(content).error());
  co_return FetchedManifest{digest, Bytes::take(*std::move(text)), *std::move(content)};
}

Task<Result<bool>> Registry::hasBlob(Digest digest) {
  const std::string path = "blobs/" + digest.text();
  co_return co_await retrying<bool>(options_.retry, [this, path] { return tryHead(path); });
}

Task<Attempt<bool>> Registry::tryHead(std::string path) {
  auto answer = co_await requester_.send({"HEAD", requester_.urlOf(path), {}, {}, {}});
  if (!answer) co_return std::unexpected(std::move(answer).error());
  if (answer->status() == 200) co_return true;
  if (answer->status() == 404) co_return false;
  co_return std::unexpected(co_await requester_.refusal(*std::move(answer)));
}

Task<Result<void>> Registry::pushManifest(std::string tag, std::string document) {
  co_return co_await retrying<void>(
      options_.retry, [this, tag, document] { return tryManifestUpload(tag, document); });
}

Task<Attempt<void>> Registry::tryManifestUpload(std::string tag, std::string document) {
  const Digest digest = Digest::of(asBytes(document));
  RegistryRequest request{
      "PUT", requester_.urlOf("manifests/" + tag), {}, Bytes::take(std::move(document)), {}};
  request.headers.add("content-type", kManifestType);
  auto answer = co_await requester_.send(std::move(request));
  if (!answer) co_return std::unexpected(std::move(answer).error());
  if (answer->status() != 201)
    co_return std::unexpected(co_await requester_.refusal(*std::move(answer)));
  const auto said = saidDigest(*answer);
  if (said && *said != digest) {
    co_return useless(Error(ErrorCode::kProtocol,
                            fmt::format("the registry {} stored the manifest with the digest {}, "
                                        "not {}",
                                        reference_.registry, said->text(), digest.text())));
  }
  co_return Attempt<void>();
}

}  // namespace nimbus::oci
