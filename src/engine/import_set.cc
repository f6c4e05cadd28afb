#include "engine/import_set.h"

#include <algorithm>

#include "wit/interface_name.h"

namespace nimbus::engine {
namespace {

bool serves(const ImportBinding& binding, const ComponentImport& import) {
  if (binding.import.empty() || import.interface.empty()) return false;
  const wit::InterfaceName offered = wit::parseInterfaceName(binding.import);
  return wit::interfaceMatches(offered.interface, offered.version, import.interface);
}

std::string describe(const ComponentImport& import) {
  return import.name.empty() ? "the functions that the world imports" : "the import " + import.name;
}

}  // namespace

const ImportBinding* findBinding(std::span<const ImportBinding> bindings,
                                 const ComponentImport& import) {
  auto found = std::ranges::find(bindings, import.name, &ImportBinding::import);
  if (found == bindings.end()) {
    found = std::ranges::find_if(
        bindings, [&](const ImportBinding& binding) { return serves(binding, import); });
  }
  return found == bindings.end() ? nullptr : &*found;
}

std::vector<const ComponentImport*> missingImports(const Component& component,
                                                   std::span<const ImportBinding> bindings) {
  std::vector<const ComponentImport*> missing;
  for (const ComponentImport& import : component.imports()) {
    if (import.isCalled() && findBinding(bindings, import) == nullptr) missing.push_back(&import);
  }
  return missing;
}

std::size_t ImportSet::addProvider(const ImportBinding& binding) {
  const auto same = [&](const Provider& known) {
    return known.invoker == binding.invoker && known.consumer == binding.consumer;
  };
  const auto known = std::ranges::find_if(providers_, same);
  if (known != providers_.end()) return static_cast<std::size_t>(known - providers_.begin());
  providers_.push_back({binding.invoker, binding.consumer});
  return providers_.size() - 1;
}

Result<std::shared_ptr<const ImportSet>> ImportSet::create(const Component& component,
                                                           std::vector<ImportBinding> bindings) {
  std::shared_ptr<ImportSet> set(new ImportSet());
  for (const ComponentImport& import : component.imports()) {
    const ImportBinding* binding = findBinding(bindings, import);
    if (binding != nullptr && import.takes_requests != (binding->requests != nullptr))
      binding = nullptr;
    if (binding == nullptr && import.isCalled())
      return fail(ErrorCode::kNotFound, "nothing provides " + describe(import));
    set->request_targets_.push_back(binding == nullptr ? nullptr : binding->requests);
    if (binding == nullptr || import.takes_requests) {
      set->import_providers_.push_back(kNoProvider);
    } else {
      TRY_VOID(set->addFunctions(import, *binding));
    }
  }
  return set;
}

Result<void> ImportSet::addFunctions(const ComponentImport& import, const ImportBinding& binding) {
  const std::size_t provider = addProvider(binding);
  import_providers_.push_back(provider);
  const std::string& instance = binding.instance.empty() ? import.interface : binding.instance;
  for (const ComponentImport::Function& function : import.functions) {
    auto id = binding.invoker->resolve({instance, function.wire_name});
    if (!id) {
      return fail(id.error().code(), describe(import) + " needs the function " + function.wire_name,
                  std::move(id).error());
    }
    functions_.resize(std::max<std::size_t>(functions_.size(), function.index + 1));
    functions_[function.index] = {provider, *id, import.name + "." + function.wire_name,
                                  function.results};
  }
  return {};
}

const std::shared_ptr<RequestTarget>& ImportSet::requestTarget(std::uint32_t import_index) const {
  static const std::shared_ptr<RequestTarget> kNone;
  return import_index < request_targets_.size() ? request_targets_[import_index] : kNone;
}

const ImportSet::Function* ImportSet::function(std::uint32_t index) const {
  return index < functions_.size() ? &functions_[index] : nullptr;
}

std::size_t ImportSet::providerOf(std::uint32_t import_index) const {
  return import_index < import_providers_.size() ? import_providers_[import_index] : kNoProvider;
}

}  // namespace nimbus::engine
