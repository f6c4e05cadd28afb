#pragma once

#include <atomic>
#include <expected>
#include <memory>
#include <type_traits>
#include <utility>

#include "capability/keyvalue/remote/remote_keyspace.h"
#include "net/shard.h"
#include "wrpc/client.h"
#include "wrpc/invoker.h"

namespace nimbus::keyvalue {

// What a provider is spoken to in.
enum class RemoteForm { kUnknown, kFlat, kHandles };

// A provider with what every call of it needs. Shared by the buckets of a keyspace.
struct RemoteProvider {
  std::shared_ptr<wrpc::Invoker> invoker;
  std::shared_ptr<const wrpc::Consumer> consumer;
  RemoteKeyspaceOptions options;
  // As it answered last; unknown again once a call in that form failed on the wire, for there may
  // be another provider at the address by now.
  mutable std::atomic<RemoteForm> form = RemoteForm::kUnknown;
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

// One call of a provider in one of the forms, or to find out whether it knows it (kUnknown): a
// session on the caller's shard for as long as the call takes. Lives in a coroutine's frame, the
// provider longer.
class RemoteCall {
 public:
  RemoteCall(const RemoteProvider& provider, RemoteForm form)
      : provider_(provider),
        form_(form),
        session_(provider.invoker->open(*net::Shard::current(), provider.consumer)),
        space_(std::make_shared<wrpc::ClientSpace>(*provider.invoker, *session_)),
        context_{*provider.consumer, net::Shard::current()->now() + provider.options.timeout, {}} {}

  template <typename Client>
  [[nodiscard]] Result<std::unique_ptr<Client>> connect() {
    auto client = Client::connect(space_);
    if (!client) noteFailure(client.error());
    return client;
  }
  [[nodiscard]] const wrpc::CallContext& context() const { return context_; }
  // What a function answered; errors of the wire are told from those that WIT declares.
  template <typename T, typename Declared>
  [[nodiscard]] Result<T> result(Result<std::expected<T, Declared>> answer) {
    if (!answer) {
      noteFailure(answer.error());
      return std::unexpected(ofCall(std::move(answer).error()));
    }
    if (!*answer) return std::unexpected(fromDeclared(answer->error()));
    if constexpr (std::is_void_v<T>) {
      return {};
    } else {
      return std::move(**answer);
    }
  }

 private:
  // Another form is not what a slow provider lacks. A bucket of a form that is no longer the
  // provider's changes nothing.
  void noteFailure(const Error& error) {
    if (error.code() == ErrorCode::kDeadlineExceeded) return;
    RemoteForm known = form_;
    provider_.form.compare_exchange_strong(known, RemoteForm::kUnknown);
  }

  const RemoteProvider& provider_;
  const RemoteForm form_;
  const std::unique_ptr<wrpc::Session> session_;
  const std::shared_ptr<wrpc::ClientSpace> space_;
  const wrpc::CallContext context_;
};

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
