#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/client.h"
#include "oci/attempt.h"
#include "oci/authorizer.h"
#include "oci/bytes_body.h"
#include "oci/reference.h"
#include "oci/registry_options.h"
#include "oci/url.h"

namespace nimbus::oci {

struct RegistryRequest {
  std::string method;
  Url url;
  http::Headers headers;
  std::optional<Bytes> content;
  std::function<void(std::uint64_t)> sent;  // told how much of the content has gone out
};

// Whatever the status. Destroying it gives up what of the content was not read.
struct RegistryAnswer {
  Url url;                          // that answered, after redirections
  std::unique_ptr<BytesBody> sent;  // outlives the response
  std::unique_ptr<http::ClientResponse> response;

  [[nodiscard]] std::uint16_t status() const { return response->head().status; }
  [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const
      [[clang::lifetimebound]] {
    return response->head().headers.find(name);
  }
};

// Sends requests about one repository to its registry: with the Authorization that the registry
// asks for, and to where it redirects reading requests, which does not see the Authorization if it
// is elsewhere. Lives on one shard.
class Requester {
 public:
  Requester(RegistryEnvironment environment, const RegistryOptions& options,
            const Reference& reference, Access access);

  // The address of "/v2/<repository>/" and the path.
  [[nodiscard]] Url urlOf(std::string_view path) const;

  [[nodiscard]] Task<Attempt<RegistryAnswer>> send(RegistryRequest request);

  // An answer with another status than the one wanted, as a failure.
  [[nodiscard]] Task<Failure> refusal(RegistryAnswer answer) const;

 private:
  [[nodiscard]] Task<Attempt<RegistryAnswer>> sendOnce(const RegistryRequest& request, Url url);
  [[nodiscard]] Attempt<Url> redirected(const RegistryAnswer& answer) const;
  [[nodiscard]] Failure unreachable(const Url& url, const Error& cause) const;

  RegistryEnvironment environment_;
  const RegistryOptions& options_;
  const Reference& reference_;
  const Url base_;
  Authorizer authorizer_;
};

}  // namespace nimbus::oci
