#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "engine/engine.h"
#include "host/bindings/bindings.h"
#include "host/bindings/call_graph.h"
#include "host/bindings/component_bindings.h"
#include "host/bindings/providers.h"
#include "host/bindings/workload_exports.h"
#include "host/calls/call_policy.h"
#include "host/calls/gateway.h"
#include "host/calls/guest_sockets.h"
#include "host/calls/held_back.h"
#include "host/calls/local_deployment.h"
#include "host/calls/service.h"
#include "host/calls/shard_runtime.h"
#include "host/deploy/code_loads.h"
#include "host/deploy/component_loader.h"
#include "host/deploy/expiring_map.h"
#include "host/deploy/images.h"
#include "host/deploy/published_ports.h"
#include "host/deploy/workload_code.h"
#include "host/egress/egress.h"
#include "host/volumes/volume_watch.h"
#include "host/workload/permits.h"
#include "host/workload/runtime.h"
#include "net/shard.h"

namespace nimbus::host {

// Where one serving shard keeps its part of the data plane.
struct ServingShard {
  ShardRuntime* runtime;
  Gateway* gateway;
  TaskSet* closing;  // retired deployments
};

struct LocalRuntimeOptions {
  ProvidersOptions providers;
  CallPolicy defaults;                      // for what a manifest leaves out
  EgressOptions egress;                     // of the whole host
  std::string volumes_folder;               // of ephemeral volumes (VolumeRoot)
  std::uint64_t volume_bytes = 1ULL << 30;  // of one, where a manifest says nothing
  std::uint64_t max_component_bytes = 256ULL << 20;
  // Components compiled at once; as many workloads whose code is there are prepared beside them.
  std::size_t max_concurrent_starts = 2;
  ImageOptions images;
  std::shared_ptr<HostSockets> sockets;  // of all guests; null: only components have limits
  std::optional<std::uint64_t> max_outgoing_sockets;  // of one workload; none: no such limit
  std::shared_ptr<ReadComponents> read_components;    // that need not be read; null: none
};

// The data plane of this process: compiles components, and deploys workloads to all serving shards.
// Called on the control shard.
class LocalRuntime final : public WorkloadRuntime {
 public:
  LocalRuntime(net::Shard& control, net::ShardGroup& serving, std::vector<ServingShard> shards,
               engine::Engine& engine, LocalRuntimeOptions options, Logger& log,
               const Clock& clock);

  Task<Result<std::shared_ptr<const WorkloadSpec>>> fetch(std::shared_ptr<const WorkloadSpec> spec,
                                                          Freshness freshness) override {
    return images_.locate(std::move(spec), freshness);
  }
  Task<Result<std::shared_ptr<Deployment>>> prepare(std::shared_ptr<const WorkloadSpec> spec,
                                                    std::uint64_t generation) override;
  Task<Result<std::vector<std::shared_ptr<Deployment>>>> prepareTogether(
      std::vector<std::shared_ptr<const WorkloadSpec>> specs, std::uint64_t generation) override;
  // Gives up what is being fetched and watched. The last call, on the control shard.
  void cancelFetches() {
    images_.cancelAll();
    code_.cancelAll();
    providers_.cancelWatches();
    volume_watch_.stop();
    ending_.cancelAll();
    held_back_->stop();
  }
  // Ends services that still run. On the main thread, once nothing is deployed any more.
  void stopServices();
  // Takes the configured folder of volumes, rather than with the first volume. Any thread.
  [[nodiscard]] Result<void> claimVolumes();
  // Opens the providers that the workload's entries name; comes before it is assembled.
  [[nodiscard]] Task<Result<void>> openProviders(std::shared_ptr<const WorkloadSpec> spec);
  // A deployment of components that are loaded already.
  [[nodiscard]] Result<std::shared_ptr<Deployment>> assemble(
      std::shared_ptr<const WorkloadSpec> spec, std::uint64_t generation, WorkloadCode code);
  // What the components of one deployment have together.
  struct Together {
    const WorkloadVolumes* volumes = nullptr;
    std::shared_ptr<const engine::PrivateNetwork> network = nullptr;  // null: there is no service
  };
  // One component of the spec with its policies and bindings; ComponentRuntime::takeEffect() is for
  // the caller. `members`: the component itself and those composed into it, in the order of their
  // slots.
  using Members = std::vector<const ComponentSpec*>;
  [[nodiscard]] Result<std::shared_ptr<ComponentRuntime>> assembleComponent(
      const WorkloadSpec& spec, const ComponentSpec& component, std::uint64_t generation,
      std::shared_ptr<const engine::Component> loaded, const Members& members,
      const Together& together, std::vector<CalledImport> called = {});

  Task<void> swapTogether(std::vector<Replacement> replacements) override;
  Task<void> retire(std::shared_ptr<Deployment> deployment, Duration bound) override;
  void onServiceNews(std::function<void(const ServiceNews&)> tell) override {
    service_listener_->tell = std::move(tell);
  }
  void onEndedNews(std::function<void(const EndedNews&)> tell) override {
    tell_ended_ = std::move(tell);
  }

 private:
  // `loading`: the workload's code, not begun yet.
  [[nodiscard]] Task<Result<std::shared_ptr<Deployment>>> prepareOf(
      std::shared_ptr<const WorkloadSpec> spec, std::uint64_t generation,
      Task<Result<WorkloadCode>> loading);
  // Binds what the component imports, and gives that to its guests.
  [[nodiscard]] Result<std::vector<BindingUse>> bind(
      const WorkloadSpec& spec, std::uint64_t generation, const engine::Component& loaded,
      const Members& members, std::vector<CalledImport> called, engine::GuestContextOptions& guest);
  [[nodiscard]] std::shared_ptr<ComponentLog> logOf(const WorkloadSpec& spec,
                                                    const ComponentSpec& component,
                                                    std::uint64_t generation);
  // Null: there are none.
  [[nodiscard]] Result<std::unique_ptr<VolumeUse>> volumesOf(const WorkloadSpec& spec);
  [[nodiscard]] std::shared_ptr<WorkloadSockets> socketsOf(const WorkloadSpec& spec);
  [[nodiscard]] std::shared_ptr<Service> makeService(const ServiceSpec& spec,
                                                     std::shared_ptr<ComponentRuntime> component,
                                                     std::vector<LedPort> ports);
  [[nodiscard]] Task<void> stopService(std::shared_ptr<LocalDeployment> deployment);
  void startService(const std::shared_ptr<LocalDeployment>& deployment);

  void watchVolumes(const std::shared_ptr<LocalDeployment>& deployment);
  [[nodiscard]] std::shared_ptr<LocalDeployment> userOf(const WorkloadVolumes& volumes,
                                                        std::string_view name);
  // Ends all deployments that use the volume of that name, and gives the space of what nobody uses
  // any more back.
  [[nodiscard]] Task<void> endUsersOf(std::shared_ptr<WorkloadVolumes> volumes, std::string name,
                                      std::string why);
  [[nodiscard]] Task<void> end(std::shared_ptr<LocalDeployment> deployment, std::string why);

  class Assembly;

  net::Shard& control_;
  net::ShardGroup& serving_;
  std::vector<ServingShard> shards_;
  const LocalRuntimeOptions options_;
  Logger& log_;
  const Clock& clock_;
  const std::shared_ptr<HeldBack> held_back_;
  ComponentLoader loader_;
  CodeLoads code_;
  Permits openings_;  // of providers
  CallGraph calls_;
  WorkloadExports exports_;
  Images images_;
  ExpiringMap<std::weak_ptr<WorkloadVolumes>> volumes_;  // by workload that is there
  ExpiringMap<std::weak_ptr<WorkloadSockets>> sockets_;  // likewise
  const std::shared_ptr<VolumeRoot> volume_root_;
  Providers providers_;
  BindingTable bindings_;
  const std::shared_ptr<ServicePlaces> service_places_;
  PublishedPorts ports_;
  std::vector<std::weak_ptr<LocalDeployment>> with_service_;  // that were started
  const std::shared_ptr<ServiceListener> service_listener_ = std::make_shared<ServiceListener>();
  std::function<void(const EndedNews&)> tell_ended_;
  VolumeWatch volume_watch_;
  // Of one workload, those that have taken effect.
  struct DeploymentsWithVolumes {
    std::vector<std::weak_ptr<LocalDeployment>> all;
    [[nodiscard]] bool expired() const {
      return std::ranges::all_of(all, [](const auto& each) { return each.expired(); });
    }
  };
  ExpiringMap<DeploymentsWithVolumes> with_volumes_;
  TaskSet ending_;  // goes first
};

}  // namespace nimbus::host
