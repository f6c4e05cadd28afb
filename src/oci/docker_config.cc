#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "base/escape.h"
#include "oci/base64.h"
#include "oci/credentials.h"

namespace nimbus::oci {
namespace {

namespace json = boost::json;

constexpr std::string_view kDockerHubServer = "https://index.docker.io/v1/";
constexpr std::string_view kTokenUser = "<token>";  // its secret is an identity token

std::unexpected<Error> wrong(std::string_view what) {
  return fail(ErrorCode::kInvalidArgument, std::string(what));
}

bool isDockerHub(std::string_view registry) { return registry == "docker.io"; }

// Under which names the registry may stand, the likeliest first.
std::vector<std::string> namesOf(const std::string& registry) {
  if (isDockerHub(registry))
    return {std::string(kDockerHubServer), "index.docker.io", "docker.io", "https://docker.io"};
  return {registry,
          "https://" + registry,
          "http://" + registry,
          "https://" + registry + "/",
          "https://" + registry + "/v1/",
          "https://" + registry + "/v2/"};
}

std::string textAt(const json::object& object, std::string_view key) {
  const json::value* value = object.if_contains(key);
  return value != nullptr && value->is_string() ? json::value_to<std::string>(*value)
                                                : std::string();
}

// The object under the key, null without one.
Result<const json::object*> objectAt(const json::object& parent, std::string_view key) {
  const json::value* value = parent.if_contains(key);
  if (value == nullptr || value->is_null()) return nullptr;
  if (!value->is_object()) return wrong(fmt::format("\"{}\" is not an object", key));
  return &value->as_object();
}

Result<std::string> checkedHelper(std::string name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  if (std::ranges::all_of(name, plain)) return name;
  const std::string shown = escaped(name);
  return wrong(fmt::format("\"{}\" is not a name of a credential program", shown));
}

Result<std::optional<Credential>> readAuth(const json::object& entry) {
  Credential credential{textAt(entry, "username"), textAt(entry, "password"),
                        textAt(entry, "identitytoken")};
  if (const std::string auth = textAt(entry, "auth"); !auth.empty()) {
    const auto decoded = base64Decoded(auth);
    const std::size_t colon = decoded ? decoded->find(':') : std::string::npos;
    if (colon == std::string::npos) return wrong("an \"auth\" is not base64 of user:password");
    credential.user = decoded->substr(0, colon);
    credential.password = decoded->substr(colon + 1);
  }
  if (credential.identity_token.empty() && credential.user.empty()) return std::nullopt;
  return credential;
}

}  // namespace

Result<DockerConfigEntry> parseDockerConfig(std::string_view text, const std::string& registry) {
  std::error_code error;
  const json::value value = json::parse({text.data(), text.size()}, error);
  if (error || !value.is_object()) return wrong("it is not a JSON object");
  const json::object& config = value.as_object();
  const std::vector<std::string> names = namesOf(registry);
  DockerConfigEntry entry{
      {}, isDockerHub(registry) ? std::string(kDockerHubServer) : registry, false, {}};
  TRY(const json::object* helpers, objectAt(config, "credHelpers"));
  for (const std::string& name : names) {
    if (helpers == nullptr || !entry.helper.empty()) break;
    TRY(entry.helper, checkedHelper(textAt(*helpers, name)));
    if (!entry.helper.empty()) entry.server = name;
  }
  entry.helper_is_certain = !entry.helper.empty();
  if (entry.helper.empty()) {
    TRY(entry.helper, checkedHelper(textAt(config, "credsStore")));
  }
  TRY(const json::object* auths, objectAt(config, "auths"));
  for (const std::string& name : names) {
    if (auths == nullptr || entry.credential) break;
    TRY(const json::object* auth, objectAt(*auths, name));
    if (auth == nullptr) continue;
    TRY(entry.credential, readAuth(*auth));
  }
  return entry;
}

Result<Credential> parseHelperAnswer(std::string_view answer) {
  std::error_code error;
  const json::value value = json::parse({answer.data(), answer.size()}, error);
  if (error || !value.is_object())
    return fail(ErrorCode::kProtocol, "its answer is not a JSON object");
  const json::object& object = value.as_object();
  const std::string user = textAt(object, "Username");
  std::string secret = textAt(object, "Secret");
  if (user.empty() || secret.empty())
    return fail(ErrorCode::kProtocol, "its answer lacks Username or Secret");
  if (user == kTokenUser) return Credential{{}, {}, std::move(secret)};
  return Credential{user, std::move(secret), {}};
}

}  // namespace nimbus::oci
