#include "host/calls/outgoing_exchange.h"

#include "base/race.h"
#include "host/egress/outgoing_errors.h"
#include "http/client_request.h"

namespace nimbus::host {
namespace {

using engine::OutgoingRequest;

constexpr Duration kConnectTimeout = std::chrono::seconds(30);
constexpr Duration kFirstByteTimeout = std::chrono::seconds(600);
constexpr Duration kBetweenBytesTimeout = std::chrono::seconds(600);

// How long a request waits for its content to begin or end before its head goes out.
constexpr Duration kContentWait = std::chrono::milliseconds(50);

class Carrier {
 public:
  Carrier(std::shared_ptr<OutgoingRequest> request, std::shared_ptr<ComponentRuntime> component,
          http::Client& client)
      : request_(std::move(request)), component_(std::move(component)), client_(client) {}
  Carrier(const Carrier&) = delete;
  Carrier& operator=(const Carrier&) = delete;
  ~Carrier() { request_->close(); }

  Task<void> run() {
    if (const auto allowed = check(); !allowed) {
      fail(deniedCode(allowed.error()), allowed.error());
      co_return;
    }
    if (mayHaveNone()) co_await request_->contentBegun(kContentWait);
    http::BodyReader* body = &request_->body();
    if (body->length() == 0 || body->empty()) body = nullptr;
    auto response = co_await client_.send(std::move(request_->head()), body, options());
    if (!response) {
      fail(outgoingErrorCode(stage_, response.error()), response.error());
      co_return;
    }
    request_->respond((*response)->head());
    co_await passContent((*response)->body());
  }

 private:
  // Whether there is content shows only when the guest says so. Such requests seldom have any, and
  // without they can be sent again, and do not puzzle servers by content of no bytes.
  bool mayHaveNone() {
    return http::isIdempotent(request_->head().method) && !request_->body().length();
  }

  static std::string_view deniedCode(const Error& error) {
    return error.code() == ErrorCode::kPermissionDenied ? "HTTP-request-denied"
                                                        : "HTTP-request-URI-invalid";
  }

  void fail(std::string_view code, const Error& error) {
    if (error.code() == ErrorCode::kPermissionDenied) component_->log->denied(error.describe());
    request_->fail(code, error.describe());
  }

  Result<void> check() const {
    const http::RequestHead& head = request_->head();
    const bool https = head.scheme == http::Scheme::kHttps;
    TRY(const http::ClientTarget target, http::parseTarget(head.scheme, head.authority));
    return component_->egress->checkHttp(https ? "https" : "http", target.host, target.port);
  }

  [[nodiscard]] http::RequestOptions options() {
    const engine::OutgoingTimeouts& timeouts = request_->timeouts();
    http::RequestOptions options;
    options.connect_timeout = timeouts.connect.value_or(kConnectTimeout);
    options.first_byte_timeout = timeouts.first_byte.value_or(kFirstByteTimeout);
    options.between_bytes_timeout = timeouts.between_bytes.value_or(kBetweenBytesTimeout);
    options.check_address = [policy = component_->egress](const net::IpAddress& address,
                                                          std::uint16_t port) -> Result<void> {
      return policy->checkAddress(address, port);
    };
    options.isolation_key = component_->log->identity().workload;
    options.stage = &stage_;
    return options;
  }

  Task<void> passContent(http::BodyReader& body) {
    while (true) {
      auto piece = co_await body.read();
      if (!piece) {
        request_->fail(outgoingContentErrorCode(piece.error()), piece.error().describe());
        co_return;
      }
      if (!piece->has_value()) break;
      co_await request_->push(*std::move(*piece));
    }
    request_->end(body.trailers());
  }

  std::shared_ptr<OutgoingRequest> request_;
  std::shared_ptr<ComponentRuntime> component_;
  http::Client& client_;
  http::ClientStage stage_ = http::ClientStage::kCheck;
};

}  // namespace

Task<void> untilCancelled(std::shared_ptr<OutgoingRequest> request) {
  co_await request->cancelled().wait();
}

Task<void> carryOut(std::shared_ptr<OutgoingRequest> request,
                    std::shared_ptr<ComponentRuntime> component, http::Client* client) {
  Carrier carrier(request, std::move(component), *client);
  co_await withTimeout(carrier.run(), untilCancelled(request));
}

}  // namespace nimbus::host
