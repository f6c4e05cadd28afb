#include "oci/requester.h"

#include <utility>

#include <fmt/format.h>

#include "base/text.h"
#include "oci/answer.h"

namespace nimbus::oci {
namespace {

constexpr int kMaxRedirections = 5;

bool isRedirection(std::uint16_t status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool onlyReads(std::string_view method) { return method == "GET" || method == "HEAD"; }

// A certificate that is not accepted is told by the cause of the failed connection.
bool refusesCertificate(const Error& error) {
  for (const Error* each = &error; each != nullptr; each = each->cause())
    if (each->code() == ErrorCode::kPermissionDenied) return true;
  return false;
}

Url baseOf(const RegistryOptions& options, const Reference& reference) {
  Url url;
  url.scheme = options.insecure ? http::Scheme::kHttp : http::Scheme::kHttps;
  url.authority = lowerAscii(reference.authority());
  url.path = "/v2/" + reference.repository + "/";
  return url;
}

}  // namespace

Requester::Requester(RegistryEnvironment environment, const RegistryOptions& options,
                     const Reference& reference, Access access)
    : environment_(environment),
      options_(options),
      reference_(reference),
      base_(baseOf(options, reference)),
      authorizer_(environment, options, reference, access) {}

Url Requester::urlOf(std::string_view path) const {
  Url url = base_;
  url.path += path;
  return url;
}

Task<Attempt<RegistryAnswer>> Requester::send(RegistryRequest request) {
  Url url = request.url;
  bool met = false;
  for (int redirections = 0;;) {
    auto answer = co_await sendOnce(request, url);
    if (!answer) co_return answer;
    if (answer->status() == 401 && url.sameOrigin(base_) && !met) {
      auto done = co_await authorizer_.meet(answer->response->head());
      if (!done) co_return std::unexpected(std::move(done).error());
      met = true;
      continue;
    }
    if (!isRedirection(answer->status()) || !onlyReads(request.method)) co_return answer;
    if (++redirections > kMaxRedirections) {
      co_return useless(
          Error(ErrorCode::kProtocol, fmt::format("the registry {} redirects more than {} times",
                                                  reference_.registry, kMaxRedirections)));
    }
    auto next = redirected(*answer);
    if (!next) co_return std::unexpected(std::move(next).error());
    url = *std::move(next);
  }
}

Task<Attempt<RegistryAnswer>> Requester::sendOnce(const RegistryRequest& request, Url url) {
  http::RequestHead head;
  head.method = request.method;
  head.scheme = url.scheme;
  head.authority = url.authority;
  head.path = url.path;
  head.headers = request.headers;
  head.headers.add("user-agent", "wash/" NIMBUS_VERSION);
  const std::string authorization = authorizer_.field();
  if (!authorization.empty() && url.sameOrigin(base_))
    head.headers.add("authorization", authorization);
  RegistryAnswer answer{std::move(url), nullptr, nullptr};
  if (request.content) answer.sent = std::make_unique<BytesBody>(*request.content, request.sent);
  const http::RequestOptions times{
      options_.connect_timeout, options_.answer_timeout, options_.stall_timeout, nullptr, {}};
  auto response = co_await environment_.client.send(std::move(head), answer.sent.get(), times);
  if (!response) co_return std::unexpected(unreachable(answer.url, response.error()));
  answer.response = *std::move(response);
  co_return answer;
}

Attempt<Url> Requester::redirected(const RegistryAnswer& answer) const {
  const auto location = answer.field("location");
  auto url = location ? answer.url.resolve(*location) : std::nullopt;
  const bool downgrade = url && url->scheme == http::Scheme::kHttp && !options_.insecure;
  if (url && !downgrade) return *std::move(url);
  return useless(Error(ErrorCode::kProtocol,
                       fmt::format("the registry {} redirects to {}", reference_.registry,
                                   downgrade ? "an address without TLS" : "no address")));
}

Failure Requester::unreachable(const Url& url, const Error& cause) const {
  const bool passing = cause.code() == ErrorCode::kUnavailable || cause.code() == ErrorCode::kIo ||
                       cause.code() == ErrorCode::kDeadlineExceeded;
  std::string message = url.sameOrigin(base_)
                            ? "cannot talk to the registry " + reference_.registry
                            : "cannot talk to " + url.authority + ", where the registry " +
                                  reference_.registry + " redirects to";
  if (url.scheme == http::Scheme::kHttps && cause.code() == ErrorCode::kProtocol)
    message += refusesCertificate(cause)
                   ? fmt::format(" ({})", options_.trust_advice)
                   : fmt::format(" (if it speaks HTTP without TLS, {})", options_.plain_advice);
  return {Error(cause.code(), std::move(message), cause),
          passing ? Failure::Retry::kLater : Failure::Retry::kUseless,
          {}};
}

Task<Failure> Requester::refusal(RegistryAnswer answer) const {
  const std::string who =
      answer.url.sameOrigin(base_) ? "the registry " + reference_.registry : answer.url.authority;
  co_return co_await readRefusal(answer.response->head(), &answer.response->body(), who,
                                 reference_.registry);
}

}  // namespace nimbus::oci
