#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "wrpc/service.h"

namespace nimbus::wrpc {

class ServiceSession;

// A call that is being served: its parameters, and the resources that it borrowed until it ends.
// Session objects keep ended ones for the next call, so that a call costs no allocation. Generated
// code reads the parameters, in order, and answers:
//
//   Answer<Values> serveBucketGet(void*, ServiceCall& call) {
//     const auto self = call.read<Borrow<Bucket>>(0);
//     const auto key = call.read<std::string_view>(1);
//     if (!call.readAll()) return call.failure();
//     return call.answer(self->get(call.context(), key));
//   }
class ServiceCall final : public HandleSpace {
 public:
  explicit ServiceCall(ServiceSession& session);
  ~ServiceCall() override;

  // What the caller gave; lives as long as the call.
  [[nodiscard]] const CallContext& context() const { return *context_; }

  // The next parameter. Any value after a failure.
  template <typename T>
  [[nodiscard]] T read(std::uint32_t position) {
    return decodeAt<T>(*in_, position);
  }
  // Whether all parameters were read, and nothing is left. Ask before using them.
  [[nodiscard]] bool readAll() {
    const bool complete = in_->finish().has_value();
    return complete;
  }
  [[nodiscard]] std::unexpected<Error> failure() const;

  // The results of the call: encodes what the handler returned, at once if it is there.
  template <typename T>
  [[nodiscard]] Answer<Values> answer(Answer<T> returned) {
    if (returned.ready()) [[likely]]
      return encodeResults(returned.take());
    return answerLater(Kept(*this), std::move(returned).intoTask());
  }

  void writeOwn(Encoder& out, const ResourceType& type,
                std::unique_ptr<Resource> resource) override;
  void writeBorrow(Encoder& out, const ResourceType& type, Resource& resource) override;
  [[nodiscard]] std::unique_ptr<Resource> readOwn(Decoder& in, const ResourceType& type) override;
  [[nodiscard]] Resource* readBorrow(Decoder& in, const ResourceType& type) override;

 private:
  friend ServiceSession;

  // Owns a call whose handler has not answered yet.
  class Kept {
   public:
    explicit Kept(ServiceCall& call);
    Kept(Kept&& other) noexcept;
    Kept& operator=(Kept&&) = delete;
    ~Kept();
    ServiceCall& operator*() const { return *call_; }
    void release();

   private:
    ServiceCall* call_;
    // The call's resources and its handler.
    std::shared_ptr<ServiceSession> session_;
  };

  template <typename T>
  static Task<Result<Values>> answerLater(Kept call, Task<Result<T>> returned) {
    Result<T> results = co_await std::move(returned);
    Result<Values> encoded = (*call).encodeResults(std::move(results));
    call.release();  // the frame may be kept for longer
    co_return encoded;
  }

  template <typename T>
  [[nodiscard]] Result<Values> encodeResults(Result<T> results) {
    if (!results) return std::unexpected(std::move(results).error());
    if constexpr (std::is_void_v<T>) {
      return Values();
    } else {
      Encoder out(this);
      encodeAt(out, 0, *results);
      return std::move(out).finish();
    }
  }

  void begin(const CallContext& context, Values params);
  // Gives back what was borrowed, and releases the parameters.
  void end();

  ServiceSession& session_;
  const CallContext* context_ = nullptr;
  Values params_;
  std::optional<Decoder> in_;
  std::vector<std::uint32_t> borrowed_;  // slots of the resource table
  bool kept_ = false;
};

}  // namespace nimbus::wrpc
