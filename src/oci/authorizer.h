#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "http/message.h"
#include "oci/attempt.h"
#include "oci/challenge.h"
#include "oci/reference.h"
#include "oci/registry_options.h"
#include "oci/token.h"
#include "oci/url.h"

namespace nimbus::oci {

// What is done with a repository.
enum class Access { kPull, kPush };

// Gives requests to one repository their Authorization: none until the registry asks for one, then
// what it asks for: a user and password, or a token that its token server gives for them, or to
// anybody. Lives on one shard.
class Authorizer {
 public:
  Authorizer(RegistryEnvironment environment, const RegistryOptions& options,
             const Reference& reference, Access access)
      : environment_(environment), options_(options), reference_(reference), access_(access) {}

  // Of the next request to the registry; empty: none.
  [[nodiscard]] std::string field() const;

  // After an answer of 401 to such a request: field() is another one now, or the failure says why
  // there is none.
  [[nodiscard]] Task<Attempt<void>> meet(http::ResponseHead refusal);

 private:
  [[nodiscard]] Task<Attempt<void>> useBasic();
  [[nodiscard]] Task<Attempt<void>> useToken(Challenge challenge);
  [[nodiscard]] Task<Attempt<Token>> askForToken(Url realm, Challenge challenge);
  // The credential of the registry, looked up once.
  [[nodiscard]] Task<Attempt<const Credential*>> credential();
  [[nodiscard]] std::string scopeFor(const Challenge& challenge) const;

  RegistryEnvironment environment_;
  const RegistryOptions& options_;
  const Reference& reference_;
  const Access access_;
  bool looked_up_ = false;
  std::optional<Credential> credential_;
  std::string field_;
  TimePoint expires_ = TimePoint::max();
};

}  // namespace nimbus::oci
