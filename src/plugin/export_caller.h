#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "base/task.h"
#include "wrpc/codec.h"
#include "wrpc/invoker.h"
#include "wrpc/service.h"

namespace nimbus::plugin {

// Calls the exports of one instance of a plugin. Its runners are resources of the session that the
// instance has with whoever serves its contract.
class ExportCaller {
 public:
  ExportCaller(wrpc::Invoker& invoker, wrpc::Session& session, std::string_view interface)
      : invoker_(invoker), session_(session), interface_(interface) {}
  ExportCaller(const ExportCaller&) = delete;
  ExportCaller& operator=(const ExportCaller&) = delete;

  // Of the calls that follow.
  void setDeadline(TimePoint deadline) { context_.deadline = deadline; }

  // Parameters in the order of the function's.
  template <typename R, typename... Values>
  [[nodiscard]] Task<Result<R>> call(std::string function, Values... values) {
    wrpc::Encoder out;
    (write(out, values), ...);
    return finish<R>(std::move(function), std::move(out));
  }

  // Of one call, as encoded.
  static constexpr std::size_t kMaxResultBytes = std::size_t{8} << 20;

  // A handle as a parameter.
  struct Handle {
    std::string bytes;
  };

 private:
  template <typename T>
  static void write(wrpc::Encoder& out, const T& value) {
    wrpc::Codec<T>::encode(out, value);
  }
  static void write(wrpc::Encoder& out, const Handle& handle) { out.handle(asBytes(handle.bytes)); }

  template <typename R>
  Task<Result<R>> finish(std::string function, wrpc::Encoder out) {
    CO_TRY(const wrpc::FunctionId id, invoker_.resolve({interface_, function}));
    CO_TRY(wrpc::Values params, std::move(out).finish());
    CO_TRY(const wrpc::Values results, co_await session_.invoke(context_, id, std::move(params)));
    if (results.bytes.size() > kMaxResultBytes)
      co_return fail(ErrorCode::kResourceExhausted, function + " returned too much");
    wrpc::Decoder in(results.bytes);
    R value = wrpc::Codec<R>::decode(in);
    CO_TRY_VOID(in.finish());
    co_return value;
  }

  wrpc::Invoker& invoker_;
  wrpc::Session& session_;
  const std::string interface_;
  const wrpc::Consumer consumer_{};
  wrpc::CallContext context_{consumer_, std::nullopt, {}};
};

}  // namespace nimbus::plugin
