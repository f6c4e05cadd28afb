#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/component.h"
#include "net/shard.h"
#include "wrpc/invoker.h"

namespace nimbus::engine {

class OutgoingRequest;

// What serves an import that takes HTTP requests (wasi:http/incoming-handler, wasi:http/handler).
class RequestTarget {
 public:
  virtual ~RequestTarget() = default;
  // A request begins, on the shard of the guest that makes it, outside any poll. It ends by
  // request->close(), at the latest after it was cancelled.
  virtual void start(net::Shard& shard, std::shared_ptr<OutgoingRequest> request) = 0;
};

// Who provides one import of a component.
struct ImportBinding {
  // The import's own name (an interface or a label; empty: functions of the world), or an interface
  // in a version that is compatible with the import's by the rule of wit::interfaceMatches.
  std::string import;
  // By which the Invoker knows the interface; empty: as the import names it.
  std::string instance;
  std::shared_ptr<wrpc::Invoker> invoker;
  std::shared_ptr<const wrpc::Consumer> consumer;
  // Instead of both, for an import that takes HTTP requests.
  std::shared_ptr<RequestTarget> requests = nullptr;
};

// The binding that serves the import: one that names it exactly, else the first that matches.
[[nodiscard]] const ImportBinding* findBinding(std::span<const ImportBinding> bindings,
                                               const ComponentImport& import);

// The imports with functions, or for requests, that no binding serves.
[[nodiscard]] std::vector<const ComponentImport*> missingImports(
    const Component& component, std::span<const ImportBinding> bindings);

// The imports of a component with those who provide them, looked up once: what each instance of it
// calls. Immutable; any thread.
class ImportSet {
 public:
  // kNotFound: an import has no binding, or its provider is known not to have the function; the
  // message names it.
  [[nodiscard]] static Result<std::shared_ptr<const ImportSet>> create(
      const Component& component, std::vector<ImportBinding> bindings);

  struct Function {
    std::size_t provider;  // position in providers()
    wrpc::FunctionId id;
    std::string name;  // "wasi:keyvalue/store@0.2.0-draft.open", for messages
    std::shared_ptr<const wrpc::TupleShape> results;  // null: not known beforehand
  };
  // One session per instance serves all imports that the same binding provides: a resource that one
  // interface returned is passed to another.
  struct Provider {
    std::shared_ptr<wrpc::Invoker> invoker;
    std::shared_ptr<const wrpc::Consumer> consumer;
  };
  static constexpr std::size_t kNoProvider = ~std::size_t{0};
  // By the indices that the engine knows them by.
  [[nodiscard]] const Function* function(std::uint32_t index) const;
  [[nodiscard]] std::size_t providerOf(std::uint32_t import_index) const;
  [[nodiscard]] const std::vector<Provider>& providers() const { return providers_; }
  // Null if that import takes no requests.
  [[nodiscard]] const std::shared_ptr<RequestTarget>& requestTarget(
      std::uint32_t import_index) const;

 private:
  ImportSet() = default;
  [[nodiscard]] std::size_t addProvider(const ImportBinding& binding);
  [[nodiscard]] Result<void> addFunctions(const ComponentImport& import,
                                          const ImportBinding& binding);

  std::vector<Function> functions_;
  std::vector<std::size_t> import_providers_;
  std::vector<Provider> providers_;
  std::vector<std::shared_ptr<RequestTarget>> request_targets_;  // by import
};

}  // namespace nimbus::engine
