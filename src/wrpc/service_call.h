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
//   void serveBucketGet(void*, ServiceCall& call) {
//     const auto self = call.read<Borrow<Bucket>>(0);
//     const auto key = call.read<std::string_view>(1);
//     if (!call.readAll()) return;
//     call.answer(self->get(call.context(), key));
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
  // Whether all parameters were read, and nothing is left. Ask before using them: if not, the call
  // has failed.
  [[nodiscard]] bool readAll() {
    if (in_->readAll()) [[likely]]
      return true;
    failToDecode();
    return false;
  }

  // The results of the call: encodes what the handler returned, at once if it is there.
  template <typename T>
  void answer(Answer<T> returned) {
    if (returned.ready()) [[likely]]
      return encodeResults(*results_, returned.value());
    waiting_.emplace(answerLater(Kept(*this), std::move(returned).intoTask()));
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
    Encoder out;
    (*call).encodeResults(out, results);
    call.release();  // the frame may be kept for longer
    co_return std::move(out).finish();
  }

  template <typename T>
  void encodeResults(Encoder& out, Result<T>& results) {
    if (!results) [[unlikely]]
      return out.fail(std::move(results).error());
    if constexpr (!std::is_void_v<T>) {
      out.setHandles(this);
      encodeAt(out, 0, *results);
    }
  }
  void failToDecode();

  // Parameters that live as long as the call, or are the call's; results that the caller reads if
  // the call does not wait.
  void begin(const CallContext& context, ByteView params, Encoder& results);
  void begin(const CallContext& context, Values params, Encoder& results);
  // Gives back what was borrowed, and releases the parameters.
  void end();

  ServiceSession& session_;
  const CallContext* context_ = nullptr;
  Encoder* results_ = nullptr;
  std::optional<Values> params_;
  std::optional<Decoder> in_;
  std::optional<Task<Result<Values>>> waiting_;
  std::vector<std::uint32_t> borrowed_;  // slots of the resource table
};

}  // namespace nimbus::wrpc
