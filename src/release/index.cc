#include "release/index.h"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "base/text.h"

namespace nimbus::release {
namespace {

namespace json = boost::json;

constexpr std::size_t kMaxReleases = 1000;
constexpr std::size_t kMaxArchives = 16;
constexpr std::size_t kMaxFileBytes = 256;

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::kProtocol, fmt::format("the index of releases is not valid: {}", what));
}

std::string_view textAt(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || !value->is_string()) return {};
  return value->get_string();
}

std::optional<std::uint64_t> numberAt(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  if (value == nullptr || value->is_double()) return std::nullopt;
  boost::system::error_code error;
  const auto number = value->to_number<std::uint64_t>(error);
  return error ? std::nullopt : std::optional(number);
}

bool isPlain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' ||
         c == '_' || c == '+' || c == '-';
}

bool isRelativePath(std::string_view path) {
  if (path.size() > kMaxFileBytes) return false;
  return std::ranges::all_of(split(path, '/'), [](std::string_view part) {
    return !part.empty() && part.front() != '.' && std::ranges::all_of(part, isPlain);
  });
}

Result<ReleaseArchive> readArchive(const json::value& value, const std::string& version) {
  if (!value.is_object()) return malformed("an archive of " + version + " is no object");
  const json::object& object = value.get_object();
  const std::string_view platform = textAt(object, "platform");
  const std::string_view file = textAt(object, "file");
  const auto size = numberAt(object, "size");
  auto digest = oci::Digest::parse(fmt::format("sha256:{}", textAt(object, "sha256")));
  if (platform.empty() || platform.size() > 64 || !std::ranges::all_of(platform, isPlain))
    return malformed("an archive of " + version + " has no platform");
  if (!isRelativePath(file)) return malformed("an archive of " + version + " has no file");
  if (!size || *size == 0 || *size > kMaxArchiveBytes)
    return malformed("an archive of " + version + " has no size, or one beyond 512 MiB");
  if (!digest) return malformed("an archive of " + version + " has no sha256");
  return ReleaseArchive{std::string(platform), std::string(file), *size, *std::move(digest)};
}

Result<Release> readRelease(const json::value& value) {
  if (!value.is_object()) return malformed("a release is no object");
  const json::object& object = value.get_object();
  auto version = Version::parse(textAt(object, "version"));
  if (!version) return malformed("a release has no version");
  const std::string text = version->text();
  Release release{*std::move(version), {}};
  const json::value* archives = object.if_contains("archives");
  if (archives == nullptr || !archives->is_array()) return malformed(text + " has no archives");
  if (archives->get_array().size() > kMaxArchives)
    return malformed(text + " has more than 16 archives");
  for (const json::value& each : archives->get_array()) {
    TRY(ReleaseArchive archive, readArchive(each, text));
    release.archives.push_back(std::move(archive));
  }
  return release;
}

bool within(Reach reach, const Version& current, const Version& version) {
  if (reach == Reach::kAny) return true;
  if (version.major != current.major) return false;
  return reach == Reach::kMinor || version.minor == current.minor;
}

}  // namespace

Result<std::vector<Release>> parseIndex(std::string_view text) {
  if (text.size() > kMaxIndexBytes) return malformed("it is larger than 1 MiB");
  boost::system::error_code error;
  const json::value document = json::parse(json::string_view(text.data(), text.size()), error);
  if (error || !document.is_object()) return malformed("not a JSON object");
  const auto format = numberAt(document.get_object(), "format");
  if (!format) return malformed("it has no format");
  if (*format != 1) {
    return fail(ErrorCode::kUnsupported,
                fmt::format("the index of releases has format {}, which this version does not "
                            "know; install a newer one with install.sh",
                            *format));
  }
  const json::value* list = document.get_object().if_contains("releases");
  if (list == nullptr || !list->is_array()) return malformed("it has no releases");
  if (list->get_array().size() > kMaxReleases) return malformed("more than 1000 releases");
  std::vector<Release> releases;
  for (const json::value& each : list->get_array()) {
    TRY(Release release, readRelease(each));
    releases.push_back(std::move(release));
  }
  return releases;
}

std::string_view platformOfBuild() {
#if defined(__x86_64__)
  return "x86_64-linux";
#elif defined(__aarch64__)
  return "aarch64-linux";
#else
#error "name this platform as uname -m does"
#endif
}

std::optional<Candidate> newestRelease(const std::vector<Release>& releases, const Version& current,
                                       Reach reach, std::string_view platform) {
  std::optional<Candidate> newest;
  for (const Release& release : releases) {
    if (!release.version.pre_release.empty() && current.pre_release.empty()) continue;
    if (!within(reach, current, release.version)) continue;
    if (newest && release.version <= newest->version) continue;
    const auto archive = std::ranges::find(release.archives, platform, &ReleaseArchive::platform);
    if (archive != release.archives.end()) newest = Candidate{release.version, *archive};
  }
  return newest;
}

}  // namespace nimbus::release
