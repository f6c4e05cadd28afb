#pragma once

#include <memory>
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
#include "wrpc/service.h"

namespace nimbus::wrpc {

// The functions that a generated client calls, in the order of its numbers for them.
struct ClientInterface {
  std::string_view instance;
  std::span<const std::string_view> functions;
};

// What generated clients and proxies of one session share. Belongs to the session's shard; the
// invoker and the session outlive it.
class ClientSpace final : public HandleSpace, public std::enable_shared_from_this<ClientSpace> {
 public:
  ClientSpace(Invoker& invoker, Session& session) : invoker_(invoker), session_(session) {}

  [[nodiscard]] Session& session() const { return session_; }

  // What its functions resolve to; asked of the invoker once. Lives as long as the space.
  [[nodiscard]] Result<std::span<const FunctionId>> resolve(const ClientInterface& interface);

  // Calls with the parameters that were written, and reads the results.
  template <typename T>
  [[nodiscard]] Answer<T> call(const CallContext& context, FunctionId function, Encoder&& params) {
    auto values = std::move(params).finish();
    if (!values) [[unlikely]]
      return std::unexpected(std::move(values).error());
    if constexpr (mayBePending<T>()) {
      return callForStreams<T>(context, function, *std::move(values));
    } else {
      Answer<Values> results = session_.invoke(context, function, *std::move(values));
      if (results.ready()) [[likely]]
        return decodeResults<T>(results.take());
      return decodeLater<T>(shared_from_this(), std::move(results).intoTask(), nullptr);
    }
  }

  void writeOwn(Encoder& out, const ResourceType& type,
                std::unique_ptr<Resource> resource) override;
  void writeBorrow(Encoder& out, const ResourceType& type, Resource& resource) override;
  [[nodiscard]] std::unique_ptr<Resource> readOwn(Decoder& in, const ResourceType& type) override;
  [[nodiscard]] Resource* readBorrow(Decoder& in, const ResourceType& type) override;

 private:
  template <typename T>
  static constexpr bool mayBePending() {
    if constexpr (std::is_void_v<T>) {
      return false;
    } else {
      return Codec<T>::kPending;
    }
  }

  // Tells a transport where the results end, since streams may go on behind them for long.
  template <typename T>
  [[nodiscard]] Answer<T> callForStreams(const CallContext& context, FunctionId function,
                                         Values params) {
    static const KnownShape kShape(kTupleFacts<T>);
    auto with_shape = std::make_unique<CallContext>(context);
    with_shape->results = &kShape;
    Answer<Values> results = session_.invoke(*with_shape, function, std::move(params));
    if (results.ready()) return decodeResults<T>(results.take());
    return decodeLater<T>(shared_from_this(), std::move(results).intoTask(), std::move(with_shape));
  }

  template <typename T>
  [[nodiscard]] Result<T> decodeResults(Result<Values> results) {
    if (!results) [[unlikely]]
      return std::unexpected(std::move(results).error());
    Decoder in(*results, this);
    if constexpr (std::is_void_v<T>) {
      return checked(in);
    } else {
      T value = decodeAt<T>(in, 0);
      TRY_VOID(checked(in));
      return value;
    }
  }
  template <typename T>
  static Task<Result<T>> decodeLater(std::shared_ptr<ClientSpace> space,
                                     Task<Result<Values>> results,
                                     std::unique_ptr<CallContext> /*context*/) {
    Result<Values> values = co_await std::move(results);
    co_return space->decodeResults<T>(std::move(values));
  }
  [[nodiscard]] static Result<void> checked(Decoder& in);

  Invoker& invoker_;
  Session& session_;
  std::unordered_map<const void*, std::vector<FunctionId>> resolved_;
};

// A resource of the other side, as its proxy sees it. Drops the handle when it is destroyed, unless
// that was given away.
class RemoteResource {
 public:
  RemoteResource(std::shared_ptr<ClientSpace> space, std::span<const FunctionId> functions,
                 RemoteHandle handle)
      : space_(std::move(space)), functions_(functions), handle_(std::move(handle)) {}
  RemoteResource(const RemoteResource&) = delete;
  RemoteResource& operator=(const RemoteResource&) = delete;
  ~RemoteResource() {
    if (handle_.session != nullptr) handle_.session->drop(asBytes(handle_.bytes));
  }

  // Parameters that begin with the resource itself.
  [[nodiscard]] Encoder parameters() {
    Encoder out(space_.get());
    out.handle(asBytes(handle_.bytes));
    return out;
  }
  template <typename T>
  [[nodiscard]] Answer<T> call(const CallContext& context, std::size_t function, Encoder&& params) {
    return space_->call<T>(context, functions_[function], std::move(params));
  }
  [[nodiscard]] RemoteHandle& handle() { return handle_; }

 private:
  std::shared_ptr<ClientSpace> space_;
  std::span<const FunctionId> functions_;
  RemoteHandle handle_;
};

// The base of generated proxies: `class BucketProxy final : public Proxy<Bucket>`. Its methods call
// through remote_, a name that no method has.
template <typename R>
class Proxy : public R {
 public:
  Proxy(std::shared_ptr<ClientSpace> space, std::span<const FunctionId> functions,
        RemoteHandle handle)
      : remote_(std::move(space), functions, std::move(handle)) {}

  [[nodiscard]] RemoteHandle* remoteHandle() final { return &remote_.handle(); }

 protected:
  RemoteResource remote_;
};

}  // namespace nimbus::wrpc
