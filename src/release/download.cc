#include "release/download.h"

#include <chrono>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "http/client_deadline.h"
#include "oci/answer.h"

namespace nimbus::release {
namespace {

using namespace std::chrono_literals;
using Response = std::unique_ptr<http::ClientResponse>;

constexpr int kMaxRedirections = 5;
constexpr Duration kTextTimeout = 60s;
constexpr Duration kFileTimeout = 1h;

bool isRedirection(std::uint16_t status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool isThisMachine(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view host = authority.substr(0, colon);
  return host == "localhost" || host == "[::1]" || host == "127.0.0.1";
}

http::RequestHead requestOf(const oci::Url& url) {
  http::RequestHead head;
  head.method = "GET";
  head.scheme = url.scheme;
  head.authority = url.authority;
  head.path = url.path;
  head.headers.add("user-agent", "wash/" NIMBUS_VERSION);
  return head;
}

Result<oci::Url> redirected(const oci::Url& url, const http::ResponseHead& head) {
  const auto location = head.headers.find("location");
  auto next = location ? url.resolve(*location) : std::nullopt;
  if (!next)
    return fail(ErrorCode::kProtocol, fmt::format("{} redirects to no address", url.plainText()));
  if (next->scheme == http::Scheme::kHttp && url.scheme == http::Scheme::kHttps) {
    return fail(ErrorCode::kProtocol,
                fmt::format("{} redirects to an address without TLS", url.plainText()));
  }
  return *std::move(next);
}

// The answer with status 200, after redirections.
Task<Result<Response>> get(http::Client* client, oci::Url url) {
  for (int redirections = 0;; ++redirections) {
    if (redirections > kMaxRedirections) {
      co_return fail(ErrorCode::kProtocol, fmt::format("{} is redirected more than {} times",
                                                       url.plainText(), kMaxRedirections));
    }
    auto response = co_await client->send(requestOf(url), nullptr, {10s, 30s, 30s, nullptr, {}});
    if (!response) {
      co_return fail(response.error().code(), fmt::format("cannot get {}", url.plainText()),
                     response.error());
    }
    const http::ResponseHead& head = (*response)->head();
    if (head.status == 200) co_return *std::move(response);
    if (!isRedirection(head.status)) {
      co_return fail(head.status == 404 ? ErrorCode::kNotFound : ErrorCode::kUnavailable,
                     fmt::format("{} answers {}", url.plainText(), head.status));
    }
    CO_TRY(url, redirected(url, head));
  }
}

Task<Result<std::string>> getText(http::Client* client, oci::Url url, std::size_t max_bytes) {
  CO_TRY(const Response response, co_await get(client, url));
  auto text = co_await oci::readBounded(response->body(), max_bytes);
  if (!text) {
    co_return fail(text.error().code(), fmt::format("cannot read {}", url.plainText()),
                   text.error());
  }
  co_return text;
}

std::unexpected<Error> wrongSize(const WantedFile& wanted, std::string_view found) {
  return fail(ErrorCode::kProtocol, fmt::format("{} has {} than the {} bytes that the index says",
                                                wanted.url.plainText(), found, wanted.size));
}

Task<Result<void>> getFile(http::Client* client, WantedFile wanted, const UniqueFd* into,
                           std::string path, oci::Progress* progress) {
  const std::string what = wanted.url.plainText();
  const oci::Watched watched(progress, oci::Progress::Direction::kDownload, what, 0, wanted.size);
  CO_TRY(const Response response, co_await get(client, wanted.url));
  oci::Hasher hasher;
  std::uint64_t received = 0;
  for (;;) {
    const auto piece = co_await response->body().read();
    if (!piece) {
      co_return fail(piece.error().code(),
                     fmt::format("the download of {} broke off after {} of {} bytes",
                                 wanted.url.plainText(), received, wanted.size),
                     piece.error());
    }
    if (!*piece) break;
    received += (*piece)->size();
    if (received > wanted.size) co_return wrongSize(wanted, "more");
    hasher.add((*piece)->view());
    CO_TRY_VOID(writeAll(*into, path, (*piece)->view()));
    watched.at(received);
  }
  if (received < wanted.size) co_return wrongSize(wanted, "less");
  const oci::Digest digest = hasher.finish();
  if (digest != wanted.digest) {
    co_return fail(ErrorCode::kProtocol,
                   fmt::format("{} is damaged or forged: its digest is {}, not {}",
                               wanted.url.plainText(), digest.text(), wanted.digest.text()));
  }
  co_return Result<void>();
}

}  // namespace

Result<oci::Url> parseBaseUrl(std::string_view text) {
  auto url = oci::Url::parse(text);
  if (!url || url->path.contains('?'))
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("\"{}\" is not an address of releases, such as "
                            "https://downloads.example/wash",
                            text));
  if (url->scheme == http::Scheme::kHttp && !isThisMachine(url->authority)) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("releases come over https only (or from this machine), not from {}",
                            url->text()));
  }
  while (url->path.ends_with('/')) url->path.pop_back();
  return *std::move(url);
}

oci::Url below(const oci::Url& base, std::string_view file) {
  oci::Url url = base;
  url.path = fmt::format("{}/{}", base.path, file);
  return url;
}

Task<Result<std::string>> downloadText(DownloadEnvironment environment, oci::Url url,
                                       std::size_t max_bytes) {
  std::string late = fmt::format("{} takes longer than a minute", url.plainText());
  co_return co_await http::within(
      environment.shard, http::deadlineAfter(environment.shard, kTextTimeout),
      getText(&environment.client, std::move(url), max_bytes), std::move(late));
}

Task<Result<void>> downloadFile(DownloadEnvironment environment, WantedFile wanted,
                                const UniqueFd* into, std::string path, oci::Progress* progress) {
  std::string late = fmt::format("{} takes longer than an hour", wanted.url.plainText());
  co_return co_await http::within(
      environment.shard, http::deadlineAfter(environment.shard, kFileTimeout),
      getFile(&environment.client, std::move(wanted), into, std::move(path), progress),
      std::move(late));
}

}  // namespace nimbus::release
