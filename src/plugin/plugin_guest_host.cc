#include "plugin/plugin_guest_host.h"

#include <utility>

#include <fmt/format.h>

#include "host/calls/outgoing_exchange.h"
#include "host/egress/egress.h"
#include "host/egress/egress_ranges.h"
#include "http/client_request.h"

namespace nimbus::plugin {
namespace {

bool namesLoopback(const std::string& host) {
  if (const auto address = net::IpAddress::parse(host))
    return host::rangeOf(*address).kind == host::AddressKind::kLoopback;
  return host::normalizedName(host) == "localhost";
}

// For one destination that the user has agreed to. A name that leads to the loopback without saying
// so is still refused.
Result<std::shared_ptr<const host::EgressPolicy>> policyFor(const std::string& scheme,
                                                            const std::string& name,
                                                            std::uint16_t port) {
  host::EgressLists lists;
  const std::string bracketed = name.contains(':') ? "[" + name + "]" : name;
  lists.allowed_hosts.push_back(fmt::format("{}://{}:{}", scheme, bracketed, port));
  host::EgressOptions options;
  if (namesLoopback(name)) {
    options.allow_host_loopback = true;
    lists.allowed_host_loopback_ports.push_back(std::to_string(port));
  }
  TRY(host::EgressPolicy policy, host::EgressPolicy::parse(lists, options));
  return std::make_shared<const host::EgressPolicy>(std::move(policy));
}

}  // namespace

PluginGuestHost::PluginGuestHost(host::ShardRuntime& shard,
                                 std::shared_ptr<host::ComponentRuntime> component,
                                 Permissions& permissions, net::BlockingWorker& worker,
                                 PrintLine print)
    : shard_(shard),
      component_(std::move(component)),
      permissions_(permissions),
      worker_(worker),
      print_(std::move(print)) {}

void PluginGuestHost::startEgress(std::shared_ptr<engine::OutgoingRequest> request) {
  if (stopped_) return request->close();
  outgoing_.spawn(carryOutAllowed(std::move(request)));
}

void PluginGuestHost::stop() {
  stopped_ = true;
  outgoing_.cancelAll();
}

Task<void> PluginGuestHost::carryOutAllowed(std::shared_ptr<engine::OutgoingRequest> request) {
  // Whatever happens, the guest's side is let go of.
  struct Closing {
    engine::OutgoingRequest& request;
    ~Closing() { request.close(); }
  } const closing{*request};
  const bool https = request->head().scheme == http::Scheme::kHttps;
  const std::string scheme = https ? "https" : "http";
  const auto target = http::parseTarget(request->head().scheme, request->head().authority);
  if (!target) {
    request->fail("HTTP-request-URI-invalid", target.error().describe());
    co_return;
  }
  const std::string name(target->host);
  const std::uint16_t port = target->port;
  // The job may run after this object is gone, and uses what outlives the worker only.
  const auto allowed = co_await worker_.run<Result<void>>(
      shard_.shard, [&permissions = permissions_, scheme, name, port] {
        return permissions.host(scheme, name, port);
      });
  auto policy = policyFor(scheme, name, port);
  if (!allowed || !policy) {
    request->fail("HTTP-request-denied", (allowed ? policy.error() : allowed.error()).describe());
    co_return;
  }
  const auto once = std::make_shared<host::ComponentRuntime>(
      component_->name, nullptr, component_->policy, component_->context_options,
      *std::move(policy), component_->log, std::vector<host::BindingUse>());
  co_await host::carryOut(request, once, &shard_.client);
}

}  // namespace nimbus::plugin
