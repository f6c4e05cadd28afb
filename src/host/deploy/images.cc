#include "host/deploy/images.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include <fmt/format.h>

#include "net/tls.h"

namespace nimbus::host {

Result<void> checkImageOptions(const ImageOptions& options) {
  if (!options.service.ca_paths.empty()) {
    net::TlsClientOptions tls;
    tls.system_roots = false;
    tls.extra_ca_paths = options.service.ca_paths;
    TRY_VOID(net::makeTlsClientContext(std::move(tls)));
  }
  SystemProcessRunner unused;
  oci::DockerCredentials nobody("", unused);
  oci::FileCredentials logins(options.service.logins, nobody);
  for (const oci::FileLogin& login : options.service.logins) TRY_VOID(logins.find(login.registry));
  return {};
}

Task<Result<std::shared_ptr<const WorkloadSpec>>> Images::locate(
    std::shared_ptr<const WorkloadSpec> spec, Freshness freshness) {
  const auto is_image = [](const ComponentSpec& member) { return !member.image.empty(); };
  if (std::ranges::none_of(spec->members(), is_image)) co_return spec;
  auto located = std::make_shared<WorkloadSpec>(*spec);
  for (ComponentSpec& member : located->members() | std::views::filter(is_image)) {
    auto done = co_await locateOne(&member, freshness);
    if (!done) {
      const ErrorCode code = done.error().code();
      co_return fail(code, located->describe(member), std::move(done).error());
    }
  }
  co_return std::shared_ptr<const WorkloadSpec>(std::move(located));
}

Task<Result<void>> Images::locateOne(ComponentSpec* component, Freshness freshness) {
  CO_TRY(oci::Reference reference, oci::Reference::parse(component->image));
  oci::PullPolicy policy = component->pull_policy.value_or(oci::PullPolicy::kIfNotPresent);
  if (freshness == Freshness::kCacheWillDo && policy == oci::PullPolicy::kAlways)
    policy = oci::PullPolicy::kIfNotPresent;
  CO_TRY(const oci::Pulled pulled, co_await pullShared(std::move(reference), policy));
  if (!component->digest.empty() && component->digest != pulled.layer.text()) {
    co_return fail(ErrorCode::kInvalidArgument,
                   fmt::format("the component of {} has the digest {}, not {}",
                               pulled.reference.text(), pulled.layer.text(), component->digest));
  }
  component->file = pulled.path;
  component->digest = pulled.layer.text();
  co_return Result<void>();
}

// Not by whoever asks first: that workload may be given up while others wait.
Task<Result<oci::Pulled>> Images::pullShared(oci::Reference reference, oci::PullPolicy policy) {
  std::string key = fmt::format("{} {}", oci::pullPolicyName(policy), reference.text());
  std::shared_ptr<Pull> shared = running_[key];
  if (!shared) {
    shared = std::make_shared<Pull>();
    running_[key] = shared;
    tasks_.spawn(pull(std::move(key), std::move(reference), policy, shared));
  }
  co_await shared->done.wait();
  co_return *shared->outcome;
}

Task<void> Images::pull(std::string key, oci::Reference reference, oci::PullPolicy policy,
                        std::shared_ptr<Pull> shared) {
  {
    const Permit permit = co_await pulls_.acquire();
    const auto started = service();
    if (started) {
      oci::PullRequest request{std::move(reference), policy, {}, options_.pull_timeout};
      request.options.insecure = isInsecure(request.reference.registry);
      request.options.max_blob_bytes = options_.max_bytes;
      request.options.plain_advice =
          "allow that with --allow-insecure-registries or by registries.insecure";
      request.options.trust_advice = "--oci-ca-path and registries.caFiles name more authorities";
      shared->outcome.emplace(co_await (*started)->pull(control_, std::move(request)));
    } else {
      shared->outcome.emplace(std::unexpected(started.error()));
    }
  }
  running_.erase(key);
  shared->done.set();
}

Result<oci::ArtifactService*> Images::service() {
  if (!service_) {
    TRY(service_, oci::ArtifactService::start(options_.service, runner_));
  }
  return service_.get();
}

bool Images::isInsecure(const std::string& registry) const {
  return std::ranges::any_of(options_.insecure_registries, [&](const std::string& each) {
    return each == "*" || each == registry;
  });
}

}  // namespace nimbus::host
