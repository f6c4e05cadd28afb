#include "oci/authorizer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "oci/answer.h"
#include "oci/base64.h"
#include "oci/bytes_body.h"

namespace nimbus::oci {
namespace {

constexpr Duration kExpiryMargin = std::chrono::seconds(10);

std::string basicField(const Credential& credential) {
  return "Basic " + base64Encoded(credential.user + ":" + credential.password);
}

// The challenge to meet: a token is the narrower right.
const Challenge* preferred(const std::vector<Challenge>& challenges) {
  const auto bearer = std::ranges::find(challenges, Challenge::Scheme::kBearer, &Challenge::scheme);
  if (bearer != challenges.end()) return &*bearer;
  return challenges.empty() ? nullptr : &challenges.front();
}

std::string challengesOf(const http::ResponseHead& head) {
  std::string all;
  for (std::size_t i = 0; i < head.headers.size(); ++i) {
    const http::HeaderField field = head.headers[i];
    if (field.name != "www-authenticate") continue;
    all += (all.empty() ? "" : ", ") + std::string(field.value);
  }
  return all;
}

std::string form(std::initializer_list<std::pair<std::string_view, std::string_view>> fields) {
  std::string text;
  for (const auto& [name, value] : fields)
    text += (text.empty() ? "" : "&") + percentEncoded(name) + "=" + percentEncoded(value);
  return text;
}

}  // namespace

std::string Authorizer::field() const {
  return environment_.shard.now() < expires_ ? field_ : std::string();
}

Task<Attempt<void>> Authorizer::meet(http::ResponseHead refusal) {
  field_.clear();
  const auto challenges = parseChallenges(challengesOf(refusal));
  if (!challenges) co_return useless(challenges.error());
  const Challenge* challenge = preferred(*challenges);
  if (challenge == nullptr) {
    co_return useless(
        Error(ErrorCode::kProtocol,
              fmt::format("the registry {} wants to know who asks, but offers neither "
                          "Basic nor Bearer authentication",
                          reference_.registry)));
  }
  if (challenge->scheme == Challenge::Scheme::kBasic) co_return co_await useBasic();
  co_return co_await useToken(*challenge);
}

Task<Attempt<void>> Authorizer::useBasic() {
  auto known = co_await credential();
  if (!known) co_return std::unexpected(std::move(known).error());
  if (*known == nullptr || (*known)->user.empty()) {
    co_return useless(
        Error(ErrorCode::kPermissionDenied,
              fmt::format("the registry {} wants a user and a password (status 401); log in with "
                          "\"docker login {}\", or give --user and --password",
                          reference_.registry, reference_.registry)));
  }
  field_ = basicField(**known);
  expires_ = TimePoint::max();
  co_return Attempt<void>();
}

Task<Attempt<void>> Authorizer::useToken(Challenge challenge) {
  auto realm = Url::parse(challenge.realm);
  // Whoever can listen to the one must not learn what protects the other.
  const bool allowed = realm && (realm->scheme == http::Scheme::kHttps || options_.insecure);
  if (!allowed) {
    co_return useless(Error(ErrorCode::kProtocol,
                            fmt::format("the registry {} names no token server that can be used "
                                        "(its realm is not an https address)",
                                        reference_.registry)));
  }
  auto token = co_await askForToken(*std::move(realm), std::move(challenge));
  if (!token) co_return std::unexpected(std::move(token).error());
  field_ = "Bearer " + token->text;
  expires_ = environment_.shard.now() + token->lives - kExpiryMargin;
  co_return Attempt<void>();
}

Task<Attempt<Token>> Authorizer::askForToken(Url realm, Challenge challenge) {
  auto known = co_await credential();
  if (!known) co_return std::unexpected(std::move(known).error());
  const Credential* credential = *known;
  const std::string scope = scopeFor(challenge);
  http::RequestHead head;
  std::optional<TextBody> body;
  if (credential != nullptr && !credential->identity_token.empty()) {
    head.method = "POST";
    head.headers.add("content-type", "application/x-www-form-urlencoded");
    body.emplace(form({{"grant_type", "refresh_token"},
                       {"service", challenge.service},
                       {"scope", scope},
                       {"client_id", "wash"},
                       {"refresh_token", credential->identity_token}}));
  } else {
    head.method = "GET";
    if (!challenge.service.empty()) realm = realm.with("service", challenge.service);
    realm = realm.with("scope", scope);
    if (credential != nullptr) head.headers.add("authorization", basicField(*credential));
  }
  head.scheme = realm.scheme;
  head.authority = realm.authority;
  head.path = realm.path;
  head.headers.add("accept", "application/json");
  const http::RequestOptions times{
      options_.connect_timeout, options_.answer_timeout, options_.stall_timeout, nullptr, {}};
  const std::string who = "the token server " + realm.plainText();
  auto response =
      co_await environment_.client.send(std::move(head), body ? &*body : nullptr, times);
  if (!response) {
    const Error& cause = response.error();
    co_return retryLater(Error(cause.code(), "cannot reach " + who, cause));
  }
  if ((*response)->head().status != 200) {
    co_return std::unexpected(
        co_await readRefusal((*response)->head(), &(*response)->body(), who, reference_.registry));
  }
  const auto answer = co_await readBounded((*response)->body(), kMaxTokenAnswerBytes);
  if (!answer) co_return retryLater(answer.error());
  auto token = parseToken(*answer);
  if (!token) co_return useless(token.error());
  co_return *std::move(token);
}

Task<Attempt<const Credential*>> Authorizer::credential() {
  if (options_.credential) co_return &*options_.credential;
  if (!looked_up_) {
    auto found = co_await environment_.worker.run<Result<std::optional<Credential>>>(
        environment_.shard, [source = &environment_.credentials, registry = reference_.registry] {
          return source->find(registry);
        });
    if (!found) co_return useless(std::move(found).error());
    credential_ = *std::move(found);
    looked_up_ = true;
  }
  co_return credential_ ? &*credential_ : nullptr;
}

std::string Authorizer::scopeFor(const Challenge& challenge) const {
  const std::string ours = "repository:" + reference_.repository + ":";
  const bool another = !challenge.scope.empty() && !challenge.scope.starts_with(ours);
  if (another) return challenge.scope;
  // All that will be needed, at once: a push begins with looking.
  return ours + (access_ == Access::kPush ? "pull,push" : "pull");
}

}  // namespace nimbus::oci
