#include "host/bindings/workload_exports.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/escape.h"
#include "host/bindings/component_links.h"
#include "wit/interface_name.h"

namespace nimbus::host {
namespace {

// Stands where there is nobody to call: every call fails like that.
class Nobody final : public wrpc::Invoker {
 public:
  explicit Nobody(Error why) : why_(std::move(why)) {}

  Result<wrpc::FunctionId> resolve(const wrpc::FunctionName& /*name*/) override {
    return wrpc::FunctionId{0};
  }
  std::unique_ptr<wrpc::Session> open(net::Shard& /*shard*/,
                                      std::shared_ptr<const wrpc::Consumer> /*consumer*/) override {
    return std::make_unique<Refusal>(why_);
  }

 private:
  class Refusal final : public wrpc::Session {
   public:
    explicit Refusal(Error why) : why_(std::move(why)) {}
    Eventual<Result<wrpc::Values>> invoke(const wrpc::CallContext& /*context*/,
                                          wrpc::FunctionId /*function*/,
                                          wrpc::Values /*params*/) override {
      return Result<wrpc::Values>(std::unexpected(why_));
    }
    void drop(ByteView /*handle*/) override {}
    [[nodiscard]] bool inUse() const override { return false; }

   private:
    const Error why_;
  };

  const Error why_;
};

}  // namespace

bool offersInterfaces(const engine::Component& component) {
  return std::ranges::any_of(component.info().exports, isOfferedInterface);
}

Result<void> WorkloadExports::Export::check(std::string_view interface) const {
  if (code_ == nullptr) return {};
  const wit::InterfaceName wanted = wit::parseInterfaceName(interface);
  const auto& exports = code_->info().exports;
  if (std::ranges::any_of(exports, [&](const wit::ExternName& name) {
        return isOfferedInterface(name) &&
               wit::interfaceMatches(wanted.interface, wanted.version, name.name);
      }))
    return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("component {}, which is to provide {}, does not export it",
                          inQuotes(name_), interface));
}

std::shared_ptr<WorkloadExports::Export> WorkloadExports::find(const std::string& workload,
                                                               const std::string& component) {
  const auto key = std::pair(workload, component);
  if (const auto found = used_.find(key); found != used_.end())
    if (auto used = found->second.lock()) return used;
  std::erase_if(used_, [](const auto& entry) { return entry.second.expired(); });
  auto made = std::make_shared<Export>();
  made->name_ = fmt::format("{}/{}", workload, component);
  update(*made, workload, component);
  used_.insert_or_assign(key, made);
  return made;
}

void WorkloadExports::publish(const std::string& workload, std::vector<OfferedComponent> offered) {
  offers_.insert_or_assign(workload, std::move(offered));
  update(workload);
}

void WorkloadExports::withdraw(const std::string& workload) {
  offers_.erase(workload);
  update(workload);
}

void WorkloadExports::update(const std::string& workload) {
  for (auto entry = used_.lower_bound({workload, ""});
       entry != used_.end() && entry->first.first == workload; ++entry)
    if (const auto used = entry->second.lock()) update(*used, workload, entry->first.second);
}

void WorkloadExports::update(Export& used, const std::string& workload,
                             const std::string& component) const {
  std::shared_ptr<wrpc::Invoker> invoker;
  used.code_ = nullptr;
  const auto offers = offers_.find(workload);
  if (offers == offers_.end()) {
    used.problem_ = fmt::format("workload {} does not run on this host", inQuotes(workload));
  } else {
    const auto found = std::ranges::find(offers->second, component, &OfferedComponent::name);
    if (found == offers->second.end()) {
      used.problem_ =
          fmt::format("workload {} has no component {}", inQuotes(workload), inQuotes(component));
    } else if (found->invoker == nullptr) {
      used.problem_ = fmt::format(
          "component {} cannot be called: it exports no interface, or runs inside of another one",
          inQuotes(used.name_));
    } else {
      used.problem_.clear();
      used.code_ = found->code;
      invoker = found->invoker;
    }
  }
  if (!used.problem_.empty())
    invoker = std::make_shared<Nobody>(Error(ErrorCode::kUnavailable, used.problem_));
  used.link_.swap(std::move(invoker));
}

}  // namespace nimbus::host
