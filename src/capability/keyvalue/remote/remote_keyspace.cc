#include "capability/keyvalue/remote/remote_keyspace.h"

#include <utility>

#include "capability/keyvalue/remote/remote_call.h"
#include "capability/keyvalue/remote/remote_flat_bucket.h"
#include "capability/keyvalue/remote/remote_handle_bucket.h"

namespace nimbus::keyvalue {
namespace {

using ProviderPtr = std::shared_ptr<const RemoteProvider>;

class RemoteKeyspace final : public Keyspace, public std::enable_shared_from_this<RemoteKeyspace> {
 public:
  explicit RemoteKeyspace(ProviderPtr provider) : provider_(std::move(provider)) {}

  Eventual<Result<std::shared_ptr<Bucket>>> open(std::string_view name) override {
    std::string full_name = provider_->options.bucket_prefix + std::string(name);
    switch (provider_->form.load()) {
      case RemoteForm::kFlat: return remoteFlatBucket(provider_, std::move(full_name));
      case RemoteForm::kHandles: return remoteHandleBucket(provider_, std::move(full_name));
      case RemoteForm::kUnknown: break;
    }
    return findOut(shared_from_this(), std::move(full_name));
  }

  void limit(const Quota& /*quota*/) override {}

 private:
  // The wire does not say why nobody answered, so whatever failed, the other form is tried.
  static Task<Result<std::shared_ptr<Bucket>>> findOut(std::shared_ptr<RemoteKeyspace> self,
                                                       std::string name) {
    const auto flat = co_await probeFlat(self->provider_, name);
    if (flat) {
      self->provider_->form = RemoteForm::kFlat;
      co_return remoteFlatBucket(self->provider_, std::move(name));
    }
    if (const auto handles = co_await probeHandles(self->provider_, name); !handles)
      co_return std::unexpected(flat.error());
    self->provider_->form = RemoteForm::kHandles;
    co_return remoteHandleBucket(self->provider_, std::move(name));
  }

  const ProviderPtr provider_;
};

}  // namespace

std::shared_ptr<Keyspace> remoteKeyspace(std::shared_ptr<wrpc::Invoker> provider,
                                         std::shared_ptr<const wrpc::Consumer> consumer,
                                         RemoteKeyspaceOptions options) {
  return std::make_shared<RemoteKeyspace>(std::make_shared<const RemoteProvider>(
      std::move(provider), std::move(consumer), std::move(options)));
}

}  // namespace nimbus::keyvalue
