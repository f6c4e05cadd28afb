#include "host/bindings/bindings.h"

namespace nimbus::host {

void Binding::use(BindingTarget target) {
  if (generation_ > 0 && target.fingerprint == target_.fingerprint) return;
  target_ = std::move(target);
  generation_ += 1;
  if (target_.take_effect) target_.take_effect();
  link_->swap(target_.invoker);
}

std::shared_ptr<Binding> BindingTable::find(std::string_view id) {
  if (const auto found = bindings_.find(id); found != bindings_.end())
    if (auto binding = found->second.lock()) return binding;
  std::erase_if(bindings_, [](const auto& entry) { return entry.second.expired(); });
  auto binding = std::make_shared<Binding>(std::string(id));
  bindings_.insert_or_assign(std::string(id), binding);
  return binding;
}

}  // namespace nimbus::host
