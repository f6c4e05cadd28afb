#include "wash/input/download.h"

#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/escape.h"
#include "base/metrics.h"
#include "base/text.h"
#include "http/authority.h"
#include "http/client.h"
#include "net/resolver.h"
#include "net/shard.h"
#include "net/stoppable.h"
#include "net/tls.h"
#include "wash/terminal/interrupt.h"

namespace nimbus::wash {
namespace {

constexpr int kMaxRedirections = 5;
constexpr Duration kResolveTimeout = std::chrono::seconds(10);
constexpr Duration kConnectTimeout = std::chrono::seconds(30);
constexpr Duration kReadTimeout = std::chrono::seconds(60);

struct Address {
  http::Scheme scheme = http::Scheme::kHttps;
  std::string authority;
  std::string path;
};

std::string printable(std::string_view text) { return escaped(text.substr(0, 512)); }

Result<Address> parseAddress(std::string_view url) {
  Address address;
  std::string_view rest = url;
  if (rest.starts_with("https://")) {
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    address.scheme = http::Scheme::kHttp;
    rest.remove_prefix(7);
  } else {
    return fail(ErrorCode::kInvalidArgument, printable(url) + " is no http or https address");
  }
  rest = rest.substr(0, rest.find('#'));
  const std::size_t slash = std::min(rest.find_first_of("/?"), rest.size());
  address.authority = rest.substr(0, slash);
  address.path = rest.substr(slash);
  if (!address.path.starts_with('/')) address.path.insert(0, "/");
  const bool clean = address.path.find_first_of(" \r\n\t") == std::string::npos;
  if (http::isAuthority(address.authority) && clean) return address;
  return fail(ErrorCode::kInvalidArgument, printable(url) + " is no http or https address");
}

// Where a redirection leads; nothing if it is none.
Result<std::optional<Address>> redirection(const http::ResponseHead& head, const Address& from) {
  const bool moved = head.status == 301 || head.status == 302 || head.status == 303 ||
                     head.status == 307 || head.status == 308;
  const auto location = head.headers.find("location");
  if (!moved || !location) return std::optional<Address>();
  if (location->starts_with('/') && !location->starts_with("//")) {
    Address next = from;
    next.path = std::string(*location);
    return std::optional(std::move(next));
  }
  TRY(Address next, parseAddress(*location));
  if (from.scheme == http::Scheme::kHttps && next.scheme == http::Scheme::kHttp) {
    return fail(ErrorCode::kPermissionDenied,
                "the server leads from https to " + printable(*location));
  }
  return std::optional(std::move(next));
}

Result<void> checkStatus(std::uint16_t status, const std::string& url) {
  if (status == 200) return {};
  const auto code = status == 404 || status == 410 ? ErrorCode::kNotFound : ErrorCode::kUnavailable;
  return fail(code, fmt::format("{}: the server answers {}", printable(url), status));
}

Task<Result<Bytes>> readAll(http::BodyReader& body, std::size_t max_bytes,
                            const oci::Watched& watched) {
  std::string content;
  while (true) {
    CO_TRY(const std::optional<Bytes> piece, co_await body.read());
    if (!piece) break;
    if (content.size() + piece->size() > max_bytes)
      co_return fail(ErrorCode::kResourceExhausted, "the file is too large");
    content += asText(piece->view());
    watched.at(content.size());
  }
  if (body.length() && *body.length() != content.size())
    co_return fail(ErrorCode::kIo, "the server broke off");
  co_return Bytes::take(std::move(content));
}

Task<Result<Bytes>> fetch(http::Client& client, const std::string& url, std::size_t max_bytes,
                          oci::Progress& progress) {
  CO_TRY(Address address, parseAddress(url));
  const oci::Watched answer(&progress, oci::Progress::Direction::kDownload, url);
  http::RequestOptions options;
  options.connect_timeout = kConnectTimeout;
  options.first_byte_timeout = kReadTimeout;
  options.between_bytes_timeout = kReadTimeout;
  for (int i = 0; i <= kMaxRedirections; ++i) {
    http::RequestHead head;
    head.method = "GET";
    head.scheme = address.scheme;
    head.authority = address.authority;
    head.path = address.path;
    head.headers.add("user-agent", "wash");
    CO_TRY(const auto response, co_await client.send(std::move(head), nullptr, options));
    CO_TRY(std::optional<Address> next, redirection(response->head(), address));
    if (!next) {
      CO_TRY_VOID(checkStatus(response->head().status, url));
      const oci::Watched watched(&progress, oci::Progress::Direction::kDownload, url, 0,
                                 response->body().length().value_or(0));
      co_return co_await readAll(response->body(), max_bytes, watched);
    }
    address = *std::move(next);
  }
  co_return fail(ErrorCode::kUnavailable, printable(url) + ": too many redirections");
}

Task<Result<Bytes>> fetchOn(net::Shard& shard, const std::string& url, std::size_t max_bytes,
                            oci::Progress& progress, const std::vector<std::string>& ca_paths) {
  auto resolver = net::makeResolver(shard, kResolveTimeout);
  net::TlsClientOptions options;
  options.extra_ca_paths = ca_paths;
  auto tls = net::makeTlsClientContext(std::move(options));
  if (!resolver) co_return std::unexpected(std::move(resolver).error());
  if (!tls) co_return std::unexpected(std::move(tls).error());
  MetricRegistry metrics;
  const auto client = http::makeClient(shard, **resolver, *tls, {}, metrics);
  co_return co_await fetch(*client, url, max_bytes, progress);
}

}  // namespace

Result<Bytes> download(const std::string& url, std::size_t max_bytes, oci::Progress& progress,
                       const std::vector<std::string>& ca_paths) {
  TRY(const auto group, net::ShardGroup::start(1));
  return net::runUnlessStopped<Bytes>(
      *group, Interrupt::current(), "download",
      [&](net::Shard& shard) { return fetchOn(shard, url, max_bytes, progress, ca_paths); });
}

}  // namespace nimbus::wash
