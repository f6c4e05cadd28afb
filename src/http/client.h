#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/metrics.h"
#include "http/message.h"
#include "net/resolver.h"
#include "net/shard.h"
#include "net/tls.h"

namespace nimbus::http {

class ClientConnections;

// A response whose content is still coming. Destroying it gives up the exchange; the connection
// is reused only if the content was read to its end.
class ClientResponse {
 public:
  virtual ~ClientResponse() = default;
  [[nodiscard]] virtual const ResponseHead& head() const = 0;
  [[nodiscard]] virtual BodyReader& body() = 0;
};

// Decides on one resolved address before a connection to it is tried; called for every address of
// a name, so that a name that resolves to a forbidden range is refused (DNS rebinding).
using AddressCheck = std::function<Result<void>(const net::IpAddress& address, std::uint16_t port)>;

// How far a request came, which says more about a failure than its code alone.
enum class ClientStage {
  kCheck,        // the request itself is looked at
  kQueue,        // waits for a connection
  kLookUp,       // of the server's name
  kAddresses,    // those of the name are checked
  kConnect,      // TCP
  kHandshake,    // TLS
  kCertificate,  // TLS ended because the server's was not accepted
  kAnswer,       // on a connection, until the head of the response is there
};

struct RequestOptions {
  Duration connect_timeout{};  // name look-up, TCP and TLS together
  // For the response's head, from when the connection took the request's head, and anew from each
  // piece of its content that it took: an upload that goes on is no server that does not answer.
  Duration first_byte_timeout{};
  Duration between_bytes_timeout{};
  AddressCheck check_address;
  // Connections are shared only between requests with the same isolation key (a workload).
  std::string isolation_key;
  // Follows the request until send() has returned; may be null.
  ClientStage* stage = nullptr;
};

struct ClientLimits {
  std::size_t max_idle_per_authority = 32;
  std::size_t max_connections_per_key = 128;
  Duration idle_timeout = std::chrono::seconds(60);
  Duration permit_wait = std::chrono::seconds(5);
  std::size_t max_header_bytes = 64 * 1024;
};

// HTTP/1.1 and HTTP/2 client of one shard with connection reuse. HTTP/2 by ALPN over TLS; over
// plain TCP by prior knowledge for requests whose content-type begins with application/grpc.
// Errors: kPermissionDenied (check_address), kNotFound (no such name), kUnavailable (refused, no
// permit), kDeadlineExceeded, kProtocol, kIo, kResourceExhausted (too large a head of
// a response).
class Client {
 public:
  virtual ~Client() = default;

  // Sends the request and returns once the response's head is there. `body` may be null; it is
  // pulled while the response comes (full duplex) and must live until the response is destroyed
  // or its body is at its end.
  [[nodiscard]] virtual Task<Result<std::unique_ptr<ClientResponse>>> send(
      RequestHead head, BodyReader* body, RequestOptions options) = 0;

  // Closes idle connections kept for this isolation key.
  virtual void forget(const std::string& isolation_key) = 0;
};

// `shared` is with the clients of other shards, if there are any: they have the limit together.
[[nodiscard]] std::unique_ptr<Client> makeClient(net::Shard& shard, net::Resolver& resolver,
                                                 std::shared_ptr<net::TlsClientContext> tls,
                                                 ClientLimits limits, MetricRegistry& metrics,
                                                 std::shared_ptr<ClientConnections> shared = {});

}  // namespace nimbus::http
