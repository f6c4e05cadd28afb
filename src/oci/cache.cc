#include "oci/cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <vector>

#include <boost/json.hpp>

#include "oci/cache_trim.h"

namespace nimbus::oci {
namespace {

namespace json = boost::json;

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kMaxReferenceFileBytes = 4096;

// The time of the last use is that of the file.
void touch(int descriptor) { ::futimens(descriptor, nullptr); }

std::string textAt(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? json::value_to<std::string>(*value)
                                                : std::string();
}

struct KnownReference {
  std::string reference;
  Digest manifest;
};
std::optional<KnownReference> readReferenceFile(const std::string& path) {
  const auto text = readFile(path, kMaxReferenceFileBytes);
  if (!text) return std::nullopt;
  std::error_code error;
  const json::value value = json::parse(*text, error);
  if (error || !value.is_object()) return std::nullopt;
  auto manifest = Digest::parse(textAt(value.as_object(), "manifest"));
  if (!manifest) return std::nullopt;
  return KnownReference{textAt(value.as_object(), "reference"), *std::move(manifest)};
}

}  // namespace

Result<Cache> Cache::open(std::string folder, std::uint64_t max_bytes) {
  Cache cache(std::move(folder), max_bytes);
  for (const std::string& part : {cache.folder_, cache.folder_ + "/blobs", cache.blobsFolder(),
                                  cache.partialFolder(), cache.referencesFolder()}) {
    auto ensured = ensurePrivateFolder(part);
    if (!ensured)
      return fail(ensured.error().code(), "cannot use the cache of artifacts", ensured.error());
  }
  return cache;
}

std::string Cache::defaultFolder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/')
    return std::string(cache) + "/wash/oci";
  if (const char* home = std::getenv("HOME"); home != nullptr && *home == '/')
    return std::string(home) + "/.cache/wash/oci";
  return {};
}

std::string Cache::pathOf(const Digest& digest) const {
  return blobsFolder() + "/" + std::string(digest.hex());
}

std::string Cache::referencePath(const Reference& reference) const {
  const Digest name = Digest::of(asBytes(reference.text()));
  return referencesFolder() + "/" + std::string(name.hex()) + ".json";
}

Result<std::optional<Bytes>> Cache::read(const Digest& digest, std::uint64_t max_bytes) {
  const std::string path = pathOf(digest);
  auto content = readFile(path, max_bytes);
  if (!content && content.error().code() == ErrorCode::kNotFound) return std::nullopt;
  if (!content) return std::unexpected(std::move(content).error());
  Bytes bytes = Bytes::take(*std::move(content));
  if (Digest::of(bytes.view()) != digest) {
    ::unlink(path.c_str());
    return std::nullopt;
  }
  ::utimensat(AT_FDCWD, path.c_str(), nullptr, 0);
  return bytes;
}

Result<std::optional<std::uint64_t>> Cache::verify(const Digest& digest) {
  const std::string path = pathOf(digest);
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file.valid() && errno == ENOENT) return std::nullopt;
  if (!file.valid()) return failFile("open", path, errno);
  Hasher hasher;
  std::uint64_t size = 0;
  std::vector<std::uint8_t> buffer(kReadBytes);
  for (;;) {
    const ssize_t count = ::read(file.get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return failFile("read", path, errno);
    if (count == 0) break;
    hasher.add(ByteView(buffer).first(static_cast<std::size_t>(count)));
    size += static_cast<std::uint64_t>(count);
  }
  if (hasher.finish() != digest) {
    ::unlink(path.c_str());
    return std::nullopt;
  }
  touch(file.get());
  return size;
}

void Cache::drop(const Digest& digest) { ::unlink(pathOf(digest).c_str()); }

Result<Digest> Cache::put(ByteView blob) {
  Digest digest = Digest::of(blob);
  TRY_VOID(replaceFile(pathOf(digest), blob, 0600));
  return digest;
}

Result<std::unique_ptr<PartialBlob>> Cache::begin(const Descriptor& blob) {
  return PartialBlob::open(partialFolder(), blob);
}

Result<void> Cache::keep(PartialBlob& blob, const Digest& digest) {
  return blob.moveTo(pathOf(digest));
}

std::optional<Digest> Cache::find(const Reference& reference) {
  auto known = readReferenceFile(referencePath(reference));
  // The name of the file is a digest too, but what is written in it is what counts.
  if (known && known->reference == reference.text()) return std::move(known->manifest);
  return reference.digest;
}

Result<void> Cache::remember(const Reference& reference, const Digest& manifest) {
  if (reference.digest == manifest) return {};
  const std::string text =
      json::serialize(json::object{{"reference", reference.text()}, {"manifest", manifest.text()}});
  return replaceFile(referencePath(reference), asBytes(text + "\n"), 0600);
}

Result<void> Cache::trim(std::span<const Digest> used) {
  TRY(const std::size_t deleted, trimBlobs(blobsFolder(), max_bytes_, used));
  if (deleted > 0) forgetReferencesWithoutManifest();
  return deleteOldFiles(partialFolder());
}

void Cache::forgetReferencesWithoutManifest() {
  std::error_code error;
  std::filesystem::directory_iterator file(referencesFolder(), error);
  for (; !error && file != std::filesystem::directory_iterator(); file.increment(error)) {
    const auto known = readReferenceFile(file->path().string());
    if (!known || ::access(pathOf(known->manifest).c_str(), F_OK) != 0)
      ::unlink(file->path().c_str());
  }
}

}  // namespace nimbus::oci
