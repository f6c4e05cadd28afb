#pragma once

#include <expected>
#include <memory>
#include <utility>

#include "capability/keyvalue/remote_keyspace.h"
#include "net/shard.h"
#include "wrpc/client.h"
#include "wrpc/invoker.h"

namespace nimbus::keyvalue {

// A provider with what every call of it needs. Shared by the buckets of a keyspace.
struct RemoteProvider {
  std::shared_ptr<wrpc::Invoker> invoker;
  std::shared_ptr<const wrpc::Consumer> consumer;
  RemoteKeyspaceOptions options;
};

// One call of a provider: a session on the caller's shard for as long as the call takes. Lives in a
// coroutine's frame.
class RemoteCall {
 public:
  explicit RemoteCall(const RemoteProvider& provider)
      : session_(provider.invoker->open(*net::Shard::current(), provider.consumer)),
        space_(std::make_shared<wrpc::ClientSpace>(*provider.invoker, *session_)),
        context_{*provider.consumer, net::Shard::current()->now() + provider.options.timeout, {}} {}

  template <typename Client>
  [[nodiscard]] Result<std::unique_ptr<Client>> connect() {
    return Client::connect(space_);
  }
  [[nodiscard]] const wrpc::CallContext& context() const { return context_; }

 private:
  const std::unique_ptr<wrpc::Session> session_;
  const std::shared_ptr<wrpc::ClientSpace> space_;
  const wrpc::CallContext context_;
};

// The error that WIT declares, in terms of the storage.
template <typename Declared>
[[nodiscard]] Error fromDeclared(const Declared& declared) {
  if (std::holds_alternative<typename Declared::NoSuchStore>(declared.value))
    return {ErrorCode::kNotFound, "the provider has no such bucket"};
  if (std::holds_alternative<typename Declared::AccessDenied>(declared.value))
    return {ErrorCode::kPermissionDenied, "the provider denies access to the bucket"};
  return {ErrorCode::kIo, std::get<typename Declared::Other>(declared.value).value};
}

// The error of a call that nobody answered. kNotFound is for a bucket that a provider has not.
[[nodiscard]] inline Error ofCall(Error error) {
  if (error.code() != ErrorCode::kNotFound) return error;
  return {ErrorCode::kUnavailable, "the provider cannot be reached", std::move(error)};
}

template <typename T, typename Declared>
[[nodiscard]] Result<T> fromAnswer(Result<std::expected<T, Declared>> answer) {
  if (!answer) return std::unexpected(ofCall(std::move(answer).error()));
  if (!*answer) return std::unexpected(fromDeclared(answer->error()));
  return std::move(**answer);
}
template <typename Declared>
[[nodiscard]] Result<void> fromAnswer(Result<std::expected<void, Declared>> answer) {
  if (!answer) return std::unexpected(ofCall(std::move(answer).error()));
  if (!*answer) return std::unexpected(fromDeclared(answer->error()));
  return {};
}

// Of the pairs of get-many, the values.
template <typename Pairs>
[[nodiscard]] Values valuesOf(Pairs pairs) {
  Values values;
  values.reserve(pairs.size());
  for (auto& pair : pairs)
    values.push_back(pair ? std::optional(std::get<1>(*std::move(pair))) : std::nullopt);
  return values;
}

// The pairs of set-many.
[[nodiscard]] inline std::vector<std::tuple<std::string, Bytes>> pairsOf(
    std::vector<Entry> entries) {
  std::vector<std::tuple<std::string, Bytes>> pairs;
  pairs.reserve(entries.size());
  for (Entry& entry : entries) pairs.emplace_back(std::move(entry.key), std::move(entry.value));
  return pairs;
}

}  // namespace nimbus::keyvalue
