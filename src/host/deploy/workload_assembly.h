#pragma once

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "host/bindings/component_bindings.h"
#include "host/calls/called_component.h"
#include "host/calls/linked_handler.h"
#include "host/deploy/local_runtime.h"
#include "host/deploy/workload_code.h"
#include "host/volumes/volumes.h"

namespace nimbus::host {

// Puts one deployment together, for LocalRuntime::assemble(): each component's runtime, those that
// are called before those that call them. On the control shard.
class LocalRuntime::Assembly {
 public:
  // All outlive it.
  Assembly(LocalRuntime& runtime, const WorkloadSpec& spec, std::uint64_t generation,
           const WorkloadCode& code, const WorkloadVolumes* volumes);

  [[nodiscard]] Result<void> run();

  std::vector<std::shared_ptr<ComponentRuntime>> takeComponents() { return std::move(made_); }
  std::vector<std::shared_ptr<CalledComponent>> takeCalled() { return std::move(called_); }
  std::vector<std::shared_ptr<LinkedHandler>> takeHandlers() { return std::move(handlers_); }
  // All components, and how others may call them.
  [[nodiscard]] std::vector<OfferedComponent> offered();

 private:
  [[nodiscard]] Result<void> make(std::size_t component);
  [[nodiscard]] Result<void> noteCalls();
  // The imports of the component, and of those inside of it, that others serve by calls.
  [[nodiscard]] Result<std::vector<CalledImport>> calledImports(
      const std::vector<std::size_t>& members);
  [[nodiscard]] std::shared_ptr<wrpc::Invoker> invokerOf(std::size_t component);
  [[nodiscard]] std::shared_ptr<LinkedHandler> handlerOf(const ComponentLink& link);
  [[nodiscard]] std::vector<ShardRuntime*> shards() const;
  [[nodiscard]] std::shared_ptr<const wrpc::Consumer> consumerOf(const ComponentLink& link);
  // The component itself and those composed into it, in the order of their slots.
  [[nodiscard]] std::vector<std::size_t> membersOf(std::size_t component) const;
  [[nodiscard]] Result<void> checkKind(std::size_t component) const;

  LocalRuntime& runtime_;
  const WorkloadSpec& spec_;
  const std::uint64_t generation_;
  const WorkloadCode& code_;
  const Together together_;
  std::vector<std::shared_ptr<ComponentRuntime>> made_;  // by component; null: not yet
  std::vector<std::shared_ptr<CalledComponent>> called_;
  std::vector<std::shared_ptr<LinkedHandler>> handlers_;
  std::multimap<std::size_t, std::shared_ptr<CallGraph::Edge>> calls_;  // by caller
  std::map<std::size_t, std::shared_ptr<wrpc::Invoker>> invokers_;      // by component
  // By caller and called.
  std::map<std::pair<std::size_t, std::size_t>, std::shared_ptr<const wrpc::Consumer>> consumers_;
};

}  // namespace nimbus::host
