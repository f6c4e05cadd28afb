#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "engine/component.h"
#include "wrpc/invoker.h"
#include "wrpc/link.h"

namespace nimbus::host {

// A component of a deployment as other workloads may call it.
struct OfferedComponent {
  std::string name;
  // Null: it cannot be called, because it runs inside of another one or exports nothing to call.
  std::shared_ptr<wrpc::Invoker> invoker;
  std::shared_ptr<const engine::Component> code;
};

// What the interfaces are that others may import from it.
[[nodiscard]] bool offersInterfaces(const engine::Component& component);

// Components of workloads as providers for other workloads. Who uses one has an Export, whether or
// not there is such a workload at the moment: its Invoker follows what serves, so that a new
// generation of the provider is swapped in like any other, and without one calls fail and say why.
// On the control shard.
class WorkloadExports {
 public:
  // As an Invoker: what serves. To the control shard, which prepares what is to call it, it has
  // the functions of what is announced, if anything is.
  class Export final : public wrpc::Invoker {
   public:
    // Why calls fail at present; empty: they do not.
    [[nodiscard]] const std::string& problem() const { return problem_; }
    // That whatever serves at present, or is announced, exports the interface. kInvalidArgument:
    // it does not.
    [[nodiscard]] Result<void> check(std::string_view interface) const;

    [[nodiscard]] Result<wrpc::FunctionId> resolve(const wrpc::FunctionName& name) override;
    [[nodiscard]] std::shared_ptr<const wrpc::TupleShape> parameters(
        wrpc::FunctionId id) const override {
      return link_.parameters(id);
    }
    [[nodiscard]] std::unique_ptr<wrpc::Session> open(
        net::Shard& shard, std::shared_ptr<const wrpc::Consumer> consumer) override {
      return link_.open(shard, std::move(consumer));
    }

   private:
    friend WorkloadExports;
    struct Target {
      std::shared_ptr<wrpc::Invoker> invoker;
      std::shared_ptr<const engine::Component> code;
      std::string problem;
    };
    std::string name_;  // "default/shop/prices"
    wrpc::Link link_{nullptr};
    std::string problem_;
    std::shared_ptr<const engine::Component> code_;
    std::optional<Target> announced_;
    const net::Shard* control_ = nullptr;  // whose that is
  };

  // That component of the workload "<namespace>/<name>".
  [[nodiscard]] std::shared_ptr<Export> find(const std::string& workload,
                                             const std::string& component);

  // From now on the workload offers these.
  void publish(const std::string& workload, std::vector<OfferedComponent> offered);
  // It serves nothing any more.
  void withdraw(const std::string& workload);

  // What the workload is about to offer, for those who are prepared to take effect together with
  // it; until forgetAnnounced().
  void announce(const std::string& workload, std::vector<OfferedComponent> offered);
  void forgetAnnounced();

 private:
  using Offers = std::map<std::string, std::vector<OfferedComponent>, std::less<>>;

  void update(const std::string& workload);
  void update(Export& used, const std::string& workload, const std::string& component) const;
  void updateAnnounced(Export& used, const std::string& workload,
                       const std::string& component) const;
  [[nodiscard]] static Export::Target targetIn(const Offers& offers, const std::string& workload,
                                               const std::string& component);

  Offers offers_;     // by workload
  Offers announced_;  // likewise
  std::map<std::pair<std::string, std::string>, std::weak_ptr<Export>> used_;
};

}  // namespace nimbus::host
