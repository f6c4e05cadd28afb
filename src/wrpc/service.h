#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/eventual.h"
#include "base/result.h"
#include "wrpc/codec.h"
#include "wrpc/invoker.h"
#include "wrpc/resource_table.h"
#include "wrpc/tuple_shape.h"

namespace nimbus::wrpc {

// What a function of an interface returns: the value at once, or a task. The Result is for failures
// of the call itself; a `result` of WIT is a std::expected inside it.
template <typename T>
using Answer = Eventual<Result<T>>;

// An error that WIT declares, as what a function returns: `return err(Error{Error::NotFound{}});`.
template <typename E>
struct Err {
  E error;
  template <typename T>
  // NOLINTNEXTLINE(google-explicit-constructor)
  operator std::expected<T, E>() && {
    return std::unexpected(std::move(error));
  }
};
template <typename E>
[[nodiscard]] Err<std::remove_cvref_t<E>> err(E&& error) {
  return {std::forward<E>(error)};
}

class ServiceCall;

// A function of an interface as generated code describes it: `serve` reads the parameters, calls
// the handler and answers.
struct InterfaceFunction {
  std::string_view name;  // on the wire: "get", "bucket.get"
  void (*serve)(void* handler, ServiceCall& call);
  TupleFacts parameters;
};

// An interface and who implements it. Made by the `serve` of generated code.
struct Interface {
  std::string_view instance;
  std::span<const InterfaceFunction> functions;
  std::shared_ptr<void> handler;
};

struct ServiceOptions {
  // Of one session, and of one whose consumer is at the other end of a wire.
  std::size_t max_resources = 4096;
  std::size_t max_wire_resources = 65536;
  DecodeLimits decode;
};

// A session with handlers whose owner can put resources into it, as if a call had returned them.
class GivingSession : public Session {
 public:
  // The handle by which the consumer may use it. kResourceExhausted if it has too many.
  [[nodiscard]] virtual Result<std::string> give(const ResourceType& type,
                                                 std::unique_ptr<Resource> resource) = 0;
};

// Handlers as something that can be called. The handlers are shared by all shards; the resources
// they return belong to a session, and all interfaces of one invoker share them. Handles of a
// session whose consumer has a lease (Consumer::lease) cannot be guessed, and expire; others are
// small numbers.
//
//   auto invoker = std::make_shared<ServiceInvoker>(std::vector{store::serve(handler)});
class ServiceInvoker final : public Invoker {
 public:
  // Of two interfaces of one name the first one counts.
  explicit ServiceInvoker(std::vector<Interface> interfaces, ServiceOptions options = {});

  [[nodiscard]] Result<FunctionId> resolve(const FunctionName& name) override;
  [[nodiscard]] std::shared_ptr<const TupleShape> parameters(FunctionId id) const override;
  [[nodiscard]] std::unique_ptr<Session> open(net::Shard& shard,
                                              std::shared_ptr<const Consumer> consumer) override;

  // The same as a session that can be given resources.
  [[nodiscard]] std::unique_ptr<GivingSession> openToGive(net::Shard& shard,
                                                          std::shared_ptr<const Consumer> consumer);

  // The names of the interfaces, for those who announce them.
  [[nodiscard]] std::vector<std::string_view> instances() const;
  // Instance and name of all functions, as they stand on the wire.
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> functions() const;

  // The functions of all interfaces, by FunctionId. Immutable; outlives the invoker where a call
  // needs it.
  struct Function {
    void (*serve)(void* handler, ServiceCall& call);
    void* handler;
    std::shared_ptr<const TupleShape> parameters;
  };
  struct Table {
    std::vector<Interface> interfaces;
    std::vector<Function> functions;
    ServiceOptions options;
  };

 private:
  std::shared_ptr<const Table> table_;
  std::unordered_map<std::string, std::uint64_t> ids_;  // "instance\nfunction"
};

}  // namespace nimbus::wrpc
