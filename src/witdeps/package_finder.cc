#include "witdeps/package_finder.h"

#include <utility>

#include <fmt/format.h>

#include "base/files.h"
#include "base/utf8.h"
#include "project/template_folder.h"

namespace nimbus::witdeps {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxDownloadBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxMetadataBytes = std::size_t{64} << 10;
constexpr std::string_view kWasmMagic{"\0asm", 4};
constexpr std::string_view kGzipMagic = "\x1f\x8b";
constexpr std::string_view kTarMagic = "ustar";
constexpr std::size_t kTarMagicAt = 257;
constexpr std::string_view kGit = "git:";

std::unexpected<Error> offline() {
  return fail(ErrorCode::kUnavailable, "it is elsewhere, and --offline forbids to go there");
}

bool isArchive(std::string_view bytes) {
  return bytes.starts_with(kGzipMagic) ||
         (bytes.size() > kTarMagicAt && bytes.substr(kTarMagicAt).starts_with(kTarMagic));
}

// A binary for what it says that it is.
Result<wit::EncodedPackage> checked(const wit::PackageRef& wanted, Bytes wasm) {
  TRY(const wit::PackageNeeds about, wit::encodedNeeds(wasm.view()));
  if (about.package == wanted) return wit::EncodedPackage{wanted.text(), std::move(wasm)};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("it is {}, not {}", about.package.text(), wanted.text()));
}

// Tags cannot have the "+" of build metadata.
std::string tagOf(const wit::PackageRef& package) {
  std::string tag = package.version;
  for (char& c : tag)
    if (c == '+') c = '_';
  return tag;
}

Result<oci::Reference> referenceOf(const OciSource& source, const std::string& key,
                                   const wit::PackageRef& package) {
  std::string repository = source.repository;
  const bool of_namespace = !key.contains(':');
  if (repository.empty()) {
    repository = fmt::format("{}/{}", package.nameSpace(), package.word());
  } else if (of_namespace) {
    repository += fmt::format("/{}", package.word());
  }
  if (!source.version.empty())
    return oci::Reference::parse(
        fmt::format("{}/{}{}", source.registry, repository, source.version));
  if (package.version.empty())
    return fail(ErrorCode::kInvalidArgument,
                "registries keep packages by version: name the tag in wit.sources");
  return oci::Reference::parse(
      fmt::format("{}/{}:{}", source.registry, repository, tagOf(package)));
}

}  // namespace

Result<bool> PackageFinder::isLocal(const wit::PackageRef& package) const {
  TRY(const auto configured, sourceFor(options_.sources, package));
  return configured && std::holds_alternative<PathSource>(configured->source);
}

Result<bool> PackageFinder::isNamed(const wit::PackageRef& package) const {
  TRY(const auto configured, sourceFor(options_.sources, package));
  if (configured || options_.locked.find(package) != nullptr) return true;
  const auto registry = options_.registries.find(package);
  return registry && registry->configured;
}

Result<Lock> PackageFinder::lockOf(const wit::PackageRef& package) const {
  TRY(const auto configured, sourceFor(options_.sources, package));
  if (!configured || std::holds_alternative<OciSource>(configured->source)) {
    const LockedPackage* locked = options_.locked.find(package);
    return locked == nullptr ? Lock() : Lock(*locked);
  }
  const LockedSource* locked = options_.locked.findSource(package);
  return locked == nullptr || locked->source != configured->text ? Lock() : Lock(*locked);
}

Result<FoundPackage> PackageFinder::find(const wit::PackageRef& package) {
  TRY(const auto configured, sourceFor(options_.sources, package));
  if (!configured || std::holds_alternative<OciSource>(configured->source)) {
    TRY(auto kept, findKept(package));
    if (kept) return *std::move(kept);
  }
  if (!configured) return findInRegistry(package);
  if (const auto* oci = std::get_if<OciSource>(&configured->source)) {
    TRY(oci::Reference reference, referenceOf(*oci, configured->key, package));
    return pull(package, std::move(reference), oci->registry);
  }
  return findIn(package, *configured);
}

// What is locked and was pulled before: nobody needs to be asked, not even for where it is.
Result<std::optional<FoundPackage>> PackageFinder::findKept(const wit::PackageRef& package) {
  const LockedPackage* locked = options_.locked.find(package);
  if (locked == nullptr) return std::optional<FoundPackage>();
  TRY(auto wasm, transport_.cached(locked->digest));
  if (!wasm) return std::optional<FoundPackage>();
  FoundPackage found{.content = TextPackage(), .locked = *locked, .from = "the cache"};
  TRY(found.content, checked(package, *std::move(wasm)));
  return std::optional(std::move(found));
}

Result<FoundPackage> PackageFinder::findIn(const wit::PackageRef& package,
                                           const ConfiguredSource& configured) {
  TRY(const Visited* const visited, visit(package, configured));
  FoundPackage found;
  found.from = configured.text;
  if (!visited->digest.empty())
    found.locked = LockedSource{package, configured.text, visited->digest};
  if (const auto* wasm = std::get_if<Bytes>(&visited->content)) {
    TRY(found.content, checked(package, *wasm));
    return found;
  }
  const auto& tree = std::get<WitTree>(visited->content);
  const TextPackage* text = tree.find(package);
  if (text == nullptr)
    return fail(ErrorCode::kNotFound,
                fmt::format("it is not in {}: {}", configured.text, tree.describe()));
  if (auto conflict = tree.conflictOf(package)) return std::unexpected(*std::move(conflict));
  found.content = *text;
  found.tree = &tree;
  return found;
}

Result<const PackageFinder::Visited*> PackageFinder::visit(const wit::PackageRef& package,
                                                           const ConfiguredSource& configured) {
  if (const auto known = visited_.find(configured.text); known != visited_.end())
    return &known->second;
  const LockedSource* locked = options_.locked.findSource(package);
  // A lock of another place says nothing of this one.
  if (locked != nullptr && locked->source != configured.text) locked = nullptr;
  Result<Visited> visited = fail(ErrorCode::kInternal, "internal: no such source");
  if (const auto* path = std::get_if<PathSource>(&configured.source)) {
    visited = read(*path);
  } else if (options_.offline) {
    visited = offline();
  } else if (const auto* git = std::get_if<GitSource>(&configured.source)) {
    visited = read(*git, locked);
  } else if (const auto* http = std::get_if<HttpSource>(&configured.source)) {
    visited = read(*http, locked);
  }
  if (!visited)
    return fail(visited.error().code(),
                fmt::format("its source {} cannot be used", configured.text), visited.error());
  return &visited_.emplace(configured.text, *std::move(visited)).first->second;
}

Result<PackageFinder::Visited> PackageFinder::read(const PathSource& source) const {
  fs::path path = (options_.project / source.path).lexically_normal();
  std::error_code error;
  if (path.extension() == ".wasm") {
    TRY(std::string wasm, readFile(path.string(), kMaxDownloadBytes));
    return Visited{Bytes::take(std::move(wasm)), {}};
  }
  if (fs::is_directory(path / "wit", error)) path /= "wit";
  TRY(WitTree tree, WitTree::read(path, WitTree::Links::kFollow));
  return Visited{std::move(tree), {}};
}

Result<PackageFinder::Visited> PackageFinder::read(const GitSource& source,
                                                   const LockedSource* locked) {
  std::string ref = source.ref;
  if (locked != nullptr && locked->digest.starts_with(kGit))
    ref = locked->digest.substr(kGit.size());
  TRY(const project::GitCheckout checkout, transport_.clone({source.url, std::move(ref)}));
  TRY(const fs::path folder, project::folderInside(checkout.path(), source.folder));
  TRY(WitTree tree, WitTree::read(folder, WitTree::Links::kRefuse));
  return Visited{std::move(tree), fmt::format("{}{}", kGit, checkout.commit())};
}

Result<PackageFinder::Visited> PackageFinder::read(const HttpSource& source,
                                                   const LockedSource* locked) {
  TRY(Bytes bytes, transport_.download(source.url, kMaxDownloadBytes));
  const oci::Digest digest = oci::Digest::of(bytes.view());
  if (source.digest && *source.digest != digest)
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("what was downloaded has the digest {}, not {}", digest.text(),
                            source.digest->text()));
  if (locked != nullptr && locked->digest != digest.text())
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("what was downloaded has the digest {}; the lock file says {}. If the "
                            "change is meant, run wash wit update",
                            digest.text(), locked->digest));
  if (bytes.text().starts_with(kWasmMagic)) return Visited{std::move(bytes), digest.text()};
  if (isArchive(bytes.text())) {
    TRY(WitTree tree, WitTree::unpack(bytes.view()));
    return Visited{std::move(tree), digest.text()};
  }
  if (!isUtf8(bytes.view()))
    return fail(ErrorCode::kInvalidArgument,
                "what was downloaded is neither an archive, nor a binary, nor text");
  WitTree tree;
  TRY_VOID(tree.add("package.wit", std::string(bytes.text())));
  tree.index();
  return Visited{std::move(tree), digest.text()};
}

Result<FoundPackage> PackageFinder::pull(const wit::PackageRef& package, oci::Reference reference,
                                         const std::string& registry) {
  const LockedPackage* locked = options_.locked.find(package);
  const PullOrder order{reference,
                        options_.offline ? oci::PullPolicy::kNever : oci::PullPolicy::kAlways,
                        options_.registries.loginFor(reference.registry),
                        options_.insecure || options_.registries.isInsecure(reference.registry)};
  TRY(PulledWasm pulled, transport_.pull(order));
  if (locked != nullptr && pulled.digest != locked->digest)
    return fail(ErrorCode::kPermissionDenied,
                fmt::format("{} has the digest {}; the lock file says {}. If the change is meant, "
                            "run wash wit update",
                            reference.text(), pulled.digest.text(), locked->digest.text()));
  FoundPackage found;
  found.from = reference.text();
  // What has no version of its own is of the tag's.
  if (!package.version.empty())
    found.locked = LockedPackage{package, registry, "=" + package.version, pulled.digest};
  auto content = checked(package, std::move(pulled.wasm));
  if (!content)
    return fail(content.error().code(), fmt::format("{} is not usable", reference.text()),
                content.error());
  found.content = *std::move(content);
  return found;
}

Result<FoundPackage> PackageFinder::findInRegistry(const wit::PackageRef& package) {
  if (package.version.empty())
    return fail(ErrorCode::kInvalidArgument,
                "it is named without a version, and registries keep packages by version: write "
                "one, or name its place in wit.sources");
  const auto registry = options_.registries.find(package);
  if (!registry)
    return fail(ErrorCode::kNotFound,
                fmt::format("nothing says which registry the packages of {} come from: name its "
                            "place in wit.sources",
                            package.nameSpace()));
  TRY(const bool named, isNamed(package));
  if (options_.only_named && !named)
    return fail(ErrorCode::kNotFound,
                fmt::format("neither the lock file nor the configuration says where it comes from: "
                            "run wash wit fetch, which asks {}",
                            registry->name));
  TRY(const RegistryMetadata metadata, metadataOf(*registry));
  TRY(oci::Reference reference, oci::Reference::parse(fmt::format(
                                    "{}/{}{}/{}:{}", metadata.registry, metadata.namespace_prefix,
                                    package.nameSpace(), package.word(), tagOf(package))));
  return pull(package, std::move(reference), registry->name);
}

Result<RegistryMetadata> PackageFinder::metadataOf(const PackageRegistry& registry) {
  if (registry.metadata) return *registry.metadata;
  if (const auto known = metadata_.find(registry.name); known != metadata_.end())
    return known->second;
  if (options_.offline) return offline();
  const bool insecure = options_.insecure || options_.registries.isInsecure(registry.name);
  const std::string url = fmt::format("{}://{}/.well-known/wasm-pkg/registry.json",
                                      insecure ? "http" : "https", registry.name);
  const auto answer = transport_.download(url, kMaxMetadataBytes);
  RegistryMetadata metadata{registry.name, ""};
  if (answer) {
    TRY(metadata, RegistryMetadata::parse(answer->text(), registry.name));
  } else if (answer.error().code() != ErrorCode::kNotFound) {
    return fail(answer.error().code(),
                fmt::format("the registry {} does not say where its packages are", registry.name),
                answer.error());
  }
  metadata_.emplace(registry.name, metadata);
  return metadata;
}

}  // namespace nimbus::witdeps
