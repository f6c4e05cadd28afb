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
  const auto& code = announced_ ? announced_->code : code_;
  if (announced_ && !announced_->problem.empty())
    return fail(ErrorCode::kInvalidArgument, announced_->problem);
  if (code == nullptr) return {};
  const wit::InterfaceName wanted = wit::parseInterfaceName(interface);
  const auto& exports = code->info().exports;
  if (std::ranges::any_of(exports, [&](const wit::ExternName& name) {
        return isOfferedInterface(name) &&
               wit::interfaceMatches(wanted.interface, wanted.version, name.name);
      }))
    return {};
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("component {}, which is to provide {}, does not export it",
                          inQuotes(name_), interface));
}

// Calls may begin on other shards meanwhile; they know nothing of what is announced.
Result<wrpc::FunctionId> WorkloadExports::Export::resolve(const wrpc::FunctionName& name) {
  if (control_ == nullptr || net::Shard::current() != control_ || !announced_)
    return link_.resolve(name);
  if (announced_->invoker) TRY_VOID(announced_->invoker->resolve(name));
  return link_.resolveForNext(name);
}

std::shared_ptr<WorkloadExports::Export> WorkloadExports::find(const std::string& workload,
                                                               const std::string& component) {
  const auto key = std::pair(workload, component);
  if (const auto found = used_.find(key); found != used_.end())
    if (auto used = found->second.lock()) return used;
  std::erase_if(used_, [](const auto& entry) { return entry.second.expired(); });
  auto made = std::make_shared<Export>();
  made->name_ = fmt::format("{}/{}", workload, component);
  made->control_ = net::Shard::current();
  update(*made, workload, component);
  updateAnnounced(*made, workload, component);
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

WorkloadExports::Export::Target WorkloadExports::targetIn(const Offers& offers,
                                                          const std::string& workload,
                                                          const std::string& component) {
  const auto offered = offers.find(workload);
  if (offered == offers.end())
    return {nullptr, nullptr,
            fmt::format("workload {} does not run on this host", inQuotes(workload))};
  const auto found = std::ranges::find(offered->second, component, &OfferedComponent::name);
  if (found == offered->second.end())
    return {
        nullptr, nullptr,
        fmt::format("workload {} has no component {}", inQuotes(workload), inQuotes(component))};
  if (found->invoker == nullptr)
    return {nullptr, nullptr,
            fmt::format("component {} cannot be called: it exports no interface, or runs inside of "
                        "another one",
                        inQuotes(workload + "/" + component))};
  return {found->invoker, found->code, ""};
}

void WorkloadExports::update(Export& used, const std::string& workload,
                             const std::string& component) const {
  Export::Target target = targetIn(offers_, workload, component);
  used.code_ = std::move(target.code);
  used.problem_ = std::move(target.problem);
  if (!used.problem_.empty())
    target.invoker = std::make_shared<Nobody>(Error(ErrorCode::kUnavailable, used.problem_));
  used.link_.swap(std::move(target.invoker));
}

void WorkloadExports::updateAnnounced(Export& used, const std::string& workload,
                                      const std::string& component) const {
  used.announced_.reset();
  if (announced_.contains(workload)) used.announced_ = targetIn(announced_, workload, component);
}

void WorkloadExports::announce(const std::string& workload, std::vector<OfferedComponent> offered) {
  announced_.insert_or_assign(workload, std::move(offered));
  for (const auto& [key, weak] : used_)
    if (const auto used = weak.lock()) updateAnnounced(*used, key.first, key.second);
}

void WorkloadExports::forgetAnnounced() {
  announced_.clear();
  for (const auto& [key, weak] : used_)
    if (const auto used = weak.lock()) used->announced_.reset();
}

}  // namespace nimbus::host
