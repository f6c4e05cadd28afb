#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/import_set.h"
#include "host/bindings/call_graph.h"
#include "wrpc/invoker.h"
#include "wrpc/link.h"

namespace nimbus::host {

// What is to serve a binding from some moment on.
struct BindingTarget {
  std::string provider;     // as an operator knows it: "keyvalue-sqlite", "tcp:10.0.0.7:7761"
  std::string fingerprint;  // equal for targets between which there is no difference
  std::shared_ptr<wrpc::Invoker> invoker;
  std::function<void()> take_effect;          // run when it becomes the target; may be empty
  std::function<std::string()> problem = {};  // why calls fail at present; may be empty
  // Of a component of another workload: which one, and whether it exports an interface.
  std::optional<CallGraph::Called> called = {};
  std::function<Result<void>(std::string_view interface)> check = {};
  // What takes HTTP requests that are passed on; null: it takes none. The same for as long as the
  // deployment.
  std::shared_ptr<engine::RequestTarget> requests = nullptr;
};

struct BindingStatus {
  std::string id;
  std::string provider;
  std::uint64_t generation = 0;
  std::string problem;  // why calls fail at present, as far as the host knows; else empty
};

// One consumer's use of one provider: a component of a workload, and an interface package that it
// imports. Its link is what the component's instances call, and stays when the provider or the
// configuration changes: use() swaps what is behind it, and calls in flight end where they began.
//
// Shared by the deployments (generations) of the workload, and gone with the last. On the control
// shard, but for the link.
class Binding {
 public:
  explicit Binding(std::string id) : id_(std::move(id)) {}
  Binding(const Binding&) = delete;
  Binding& operator=(const Binding&) = delete;

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const std::shared_ptr<wrpc::Link>& link() const { return link_; }
  [[nodiscard]] BindingStatus status() const {
    return {id_, target_.provider, generation_, target_.problem ? target_.problem() : ""};
  }

  // From now on, unless it makes no difference.
  void use(BindingTarget target);

 private:
  const std::string id_;
  const std::shared_ptr<wrpc::Link> link_ = std::make_shared<wrpc::Link>(nullptr);
  BindingTarget target_;
  std::uint64_t generation_ = 0;
};

// A binding and the target that it will have once the deployment takes effect, so that preparing
// one changes nothing for those that serve.
class BindingUse {
 public:
  // `call` is what the call graph knows of it, if anything.
  BindingUse(std::shared_ptr<Binding> binding, BindingTarget target,
             std::shared_ptr<CallGraph::Edge> call = nullptr)
      : binding_(std::move(binding)), target_(std::move(target)), call_(std::move(call)) {}

  void takeEffect() const { binding_->use(target_); }
  // No calls begin any more.
  void endEffect() { call_.reset(); }
  [[nodiscard]] const Binding& binding() const { return *binding_; }
  [[nodiscard]] BindingStatus status() const { return binding_->status(); }

 private:
  std::shared_ptr<Binding> binding_;
  BindingTarget target_;
  std::shared_ptr<CallGraph::Edge> call_;
};

// All bindings of a host by their ids, without owning them. On the control shard.
class BindingTable {
 public:
  // The binding of that id that somebody still has, or a new one.
  [[nodiscard]] std::shared_ptr<Binding> find(std::string_view id);

 private:
  std::map<std::string, std::weak_ptr<Binding>, std::less<>> bindings_;
};

}  // namespace nimbus::host
