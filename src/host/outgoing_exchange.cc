#include "host/outgoing_exchange.h"

#include <optional>

#include "base/race.h"
#include "http/client_request.h"

namespace nimbus::host {
namespace {

using engine::OutgoingRequest;

constexpr Duration kConnectTimeout = std::chrono::seconds(30);
constexpr Duration kFirstByteTimeout = std::chrono::seconds(600);
constexpr Duration kBetweenBytesTimeout = std::chrono::seconds(600);

// The case of wasi:http/types.error-code that says best what went wrong.
std::string_view errorCodeFor(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kPermissionDenied: return "HTTP-request-denied";
    case ErrorCode::kNotFound: return "DNS-error";
    case ErrorCode::kUnavailable: return "connection-refused";
    case ErrorCode::kDeadlineExceeded: return "connection-timeout";
    case ErrorCode::kProtocol: return "HTTP-protocol-error";
    case ErrorCode::kResourceExhausted: return "HTTP-response-header-section-size";
    case ErrorCode::kInvalidArgument: return "HTTP-request-URI-invalid";
    case ErrorCode::kIo: return "connection-terminated";
    default: return "internal-error";
  }
}

class Carrier {
 public:
  Carrier(std::shared_ptr<OutgoingRequest> request, std::shared_ptr<const EgressPolicy> policy,
          http::Client& client, std::string isolation_key)
      : request_(std::move(request)),
        policy_(std::move(policy)),
        client_(client),
        isolation_key_(std::move(isolation_key)) {}
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;
  ~Carrier() { request_->close(); }

  Task<void> run() {
    if (const auto allowed = check(); !allowed) {
      request_->fail(errorCodeFor(allowed.error()), allowed.error().message());
      co_return;
    }
    http::BodyReader* body = &request_->body();
    if (body->length() == 0) body = nullptr;
    auto response = co_await client_.send(std::move(request_->head()), body, options());
    if (!response) {
      request_->fail(errorCodeFor(response.error()), response.error().describe());
      co_return;
    }
    request_->respond((*response)->head());
    co_await passContent((*response)->body());
  }

 private:
  Result<void> check() const {
    const http::RequestHead& head = request_->head();
    const bool https = head.scheme == http::Scheme::kHttps;
    TRY(const http::ClientTarget target, http::parseTarget(head.scheme, head.authority));
    return policy_->checkHttp(https ? "https" : "http", target.host, target.port);
  }

  [[nodiscard]] http::RequestOptions options() const {
    const engine::OutgoingTimeouts& timeouts = request_->timeouts();
    http::RequestOptions options;
    options.connect_timeout = timeouts.connect.value_or(kConnectTimeout);
    options.first_byte_timeout = timeouts.first_byte.value_or(kFirstByteTimeout);
    options.between_bytes_timeout = timeouts.between_bytes.value_or(kBetweenBytesTimeout);
    options.check_address = [policy = policy_](const net::IpAddress& address,
                                               std::uint16_t port) -> Result<void> {
      return policy->checkAddress(address, port);
    };
    options.isolation_key = isolation_key_;
    return options;
  }

  Task<void> passContent(http::BodyReader& body) {
    while (true) {
      auto piece = co_await body.read();
      if (!piece) {
        const bool late = piece.error().code() == ErrorCode::kDeadlineExceeded;
        request_->fail(late ? "connection-read-timeout" : "HTTP-response-incomplete",
                       piece.error().describe());
        co_return;
      }
      if (!piece->has_value()) break;
      co_await request_->push(*std::move(*piece));
    }
    request_->end(body.trailers());
  }

  std::shared_ptr<OutgoingRequest> request_;
  std::shared_ptr<const EgressPolicy> policy_;
  http::Client& client_;
  std::string isolation_key_;
};

Task<void> untilCancelled(std::shared_ptr<OutgoingRequest> request) {
  co_await request->cancelled().wait();
}

}  // namespace

Task<void> carryOut(std::shared_ptr<OutgoingRequest> request,
                    std::shared_ptr<const EgressPolicy> policy, http::Client* client,
                    std::string isolation_key) {
  Carrier carrier(request, std::move(policy), *client, std::move(isolation_key));
  co_await withTimeout(carrier.run(), untilCancelled(request));
}

}  // namespace nimbus::host
