#include "oci/reference.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/text.h"
#include "http/authority.h"

namespace nimbus::oci {
namespace {

constexpr std::size_t kMaxNameBytes = 255;  // registry and repository together
constexpr std::size_t kMaxTagBytes = 128;
constexpr std::string_view kDockerHub = "docker.io";
constexpr std::string_view kDockerHubHost = "registry-1.docker.io";

bool isLower(char c) { return c >= 'a' && c <= 'z'; }
bool isDigit(char c) { return c >= '0' && c <= '9'; }
bool isAlphanumeric(char c) { return isLower(c) || isDigit(c) || (c >= 'A' && c <= 'Z'); }

std::unexpected<Error> wrong(std::string_view text, std::string_view why) {
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("{} is not a reference to an artifact: {}", inQuotes(text), why));
}

bool isDomainName(std::string_view host) {
  for (const std::string_view label : split(host, '.')) {
    if (label.empty() || label.front() == '-' || label.back() == '-') return false;
    if (!std::ranges::all_of(label, [](char c) { return isAlphanumeric(c) || c == '-'; }))
      return false;
  }
  return true;
}

bool isRegistry(std::string_view text) {
  if (!http::isAuthority(text)) return false;
  if (text.starts_with('[')) return true;
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && colon + 1 == text.size()) return false;
  return isDomainName(text.substr(0, colon));
}

// alphanumerics, with ".", "_", "__" or any number of "-" between them.
bool isPathComponent(std::string_view text) {
  std::size_t at = 0;
  const auto word = [&] {
    const std::size_t from = at;
    while (at < text.size() && (isLower(text[at]) || isDigit(text[at]))) ++at;
    return at > from;
  };
  if (!word()) return false;
  while (at < text.size()) {
    const std::size_t from = at;
    while (at < text.size() && !isLower(text[at]) && !isDigit(text[at])) ++at;
    const std::string_view separator = text.substr(from, at - from);
    const bool dashes = separator.find_first_not_of('-') == std::string_view::npos;
    if (separator != "." && separator != "_" && separator != "__" && !dashes) return false;
    if (!word()) return false;
  }
  return true;
}

bool isRepository(std::string_view text) {
  return std::ranges::all_of(split(text, '/'), isPathComponent);
}

bool isTag(std::string_view text) {
  const auto word = [](char c) { return isAlphanumeric(c) || c == '_'; };
  if (text.empty() || text.size() > kMaxTagBytes || !word(text.front())) return false;
  return std::ranges::all_of(text, [&](char c) { return word(c) || c == '.' || c == '-'; });
}

// "localhost", or something with a dot or a port.
bool isPlainlyRegistry(std::string_view first) {
  return first == "localhost" || first.find_first_of(".:") != std::string_view::npos;
}

}  // namespace

Result<Reference> Reference::parse(std::string_view text) {
  Reference reference;
  std::string_view rest = text;
  if (const std::size_t at = rest.find('@'); at != std::string_view::npos) {
    reference.digest = Digest::parse(rest.substr(at + 1));
    if (!reference.digest)
      return wrong(text, "after @ comes sha256: and 64 lower-case hexadecimal digits");
    rest = rest.substr(0, at);
  }
  const auto parts = splitOnce(rest, '/');
  if (!parts || !isPlainlyRegistry(parts->first))
    return wrong(text, "it names no registry; write REGISTRY/NAME, such as ghcr.io/acme/web:1.0");
  if (!isRegistry(parts->first)) return wrong(text, "its registry is not a host and port");
  reference.registry = parts->first;
  std::string_view repository = parts->second;
  if (const std::size_t colon = repository.find(':'); colon != std::string_view::npos) {
    reference.tag = repository.substr(colon + 1);
    if (!isTag(reference.tag))
      return wrong(text,
                   "a tag is up to 128 letters, digits, \"_\", \".\" and \"-\", and does not "
                   "begin with the latter two");
    repository = repository.substr(0, colon);
  }
  if (!isRepository(repository))
    return wrong(text,
                 "a repository is lower-case letters and digits, with \".\", \"_\", \"-\" or "
                 "\"/\" between them");
  reference.repository = repository;
  if (reference.registry.size() + 1 + reference.repository.size() > kMaxNameBytes)
    return wrong(text, fmt::format("its name is longer than {} characters", kMaxNameBytes));
  if (reference.registry == kDockerHub && !reference.repository.contains('/'))
    reference.repository.insert(0, "library/");
  if (reference.tag.empty() && !reference.digest) reference.tag = "latest";
  return reference;
}

std::string Reference::text() const {
  std::string text = registry + "/" + repository;
  if (!tag.empty()) text += ":" + tag;
  if (digest) text += "@" + digest->text();
  return text;
}

std::string_view Reference::version() const { return digest ? digest->text() : tag; }

std::string Reference::authority() const {
  return registry == kDockerHub ? std::string(kDockerHubHost) : registry;
}

bool looksLikeReference(std::string_view text) {
  const auto parts = splitOnce(text, '/');
  if (!parts || !isPlainlyRegistry(parts->first) || !isRegistry(parts->first)) return false;
  if (parts->first.find_first_not_of('.') == std::string_view::npos) return false;
  const bool names_version = parts->second.find_first_of(":@") != std::string_view::npos;
  return names_version || !(text.ends_with(".wasm") || text.ends_with(".wat"));
}

}  // namespace nimbus::oci
