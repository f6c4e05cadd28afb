#include "witdeps/source.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "oci/reference.h"
#include "oci/url.h"

namespace nimbus::witdeps {
namespace {

constexpr std::string_view kGit = "git+";
constexpr std::string_view kOci = "oci://";

std::unexpected<Error> wrong(std::string_view text, std::string_view why) {
  return fail(ErrorCode::kInvalidArgument, fmt::format("\"{}\" {}", text.substr(0, 256), why));
}

// What is before a mark, and what is after it.
std::pair<std::string_view, std::string_view> splitAt(std::string_view text, char mark) {
  const std::size_t at = text.find(mark);
  if (at == std::string_view::npos) return {text, {}};
  return {text.substr(0, at), text.substr(at + 1)};
}

bool isHttp(std::string_view text) {
  return text.starts_with("https://") || text.starts_with("http://");
}

Result<Source> parseGit(std::string_view text) {
  const auto [url, fragment] = splitAt(text, '#');
  const auto [ref, folder] = splitAt(fragment, ':');
  if (url.empty() || url.starts_with('-')) return wrong(text, "names no repository");
  if (ref.starts_with('-')) return wrong(text, "names no branch, tag or commit");
  return GitSource{std::string(url), std::string(ref), std::string(folder)};
}

Result<Source> parseHttp(std::string_view text) {
  const auto [address, fragment] = splitAt(text, '#');
  if (!oci::Url::parse(address)) return wrong(text, "is no http or https address");
  HttpSource source{std::string(address), {}};
  if (!fragment.empty()) {
    source.digest = oci::Digest::parse(fragment);
    if (!source.digest) return wrong(text, "needs #sha256: and 64 hexadecimal digits at its end");
  }
  if (!source.digest && address.starts_with("http://"))
    return wrong(text, "is an address without TLS and needs #sha256:… at its end");
  return source;
}

Result<Source> parseOci(std::string_view text) {
  std::string_view rest = text;
  if (rest.starts_with(kOci)) rest.remove_prefix(kOci.size());
  while (rest.ends_with('/')) rest.remove_suffix(1);
  if (!rest.contains('/')) {
    if (!oci::Reference::parse(fmt::format("{}/x", rest))) return wrong(text, "names no registry");
    return OciSource{std::string(rest), {}, {}};
  }
  TRY(const oci::Reference reference, oci::Reference::parse(rest));
  OciSource source{reference.registry, reference.repository, {}};
  // Without a version of its own the text ends with the repository.
  if (!rest.ends_with("/" + reference.repository)) {
    source.version = reference.digest ? "@" + reference.digest->text() : ":" + reference.tag;
  }
  return source;
}

bool isWord(std::string_view text) {
  return wit::PackageRef::parse(fmt::format("{}:x", text)).has_value();
}

}  // namespace

Result<Source> parseSource(std::string_view text) {
  if (text.empty()) return fail(ErrorCode::kInvalidArgument, "a source is empty");
  if (text.starts_with(kGit)) return parseGit(text.substr(kGit.size()));
  if (splitAt(text, '#').first.ends_with(".git")) return parseGit(text);
  if (isHttp(text)) return parseHttp(text);
  if (text.starts_with(kOci) || oci::looksLikeReference(text)) return parseOci(text);
  return PathSource{std::string(text)};
}

Result<std::optional<ConfiguredSource>> sourceFor(const project::StringMap& sources,
                                                  const wit::PackageRef& package) {
  for (const std::string& key : {package.text(), package.name, std::string(package.nameSpace())}) {
    const auto found = sources.find(key);
    if (found == sources.end()) continue;
    auto source = parseSource(found->second);
    if (!source)
      return fail(ErrorCode::kInvalidArgument, fmt::format("wit.sources.{}", key), source.error());
    return ConfiguredSource{key, found->second, *std::move(source)};
  }
  return std::optional<ConfiguredSource>();
}

Result<void> checkSources(const project::StringMap& sources) {
  for (const auto& [key, text] : sources) {
    if (!isWord(key) && !wit::PackageRef::parse(key))
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("wit.sources has the key \"{}\", which is neither a package nor a "
                              "namespace",
                              key.substr(0, 256)));
    if (const auto source = parseSource(text); !source)
      return fail(ErrorCode::kInvalidArgument, fmt::format("wit.sources.{}", key), source.error());
  }
  return {};
}

}  // namespace nimbus::witdeps
