#pragma once

namespace nimbus::wrpc {

// Whoever gives up the coroutine in which this stands, before it was released, gives the call up.
template <typename Call>
class CallGuard {
 public:
  explicit CallGuard(Call& call) : call_(&call) {}
  CallGuard(const CallGuard&) = delete;
  CallGuard& operator=(const CallGuard&) = delete;
  ~CallGuard() {
    if (call_ != nullptr) call_->end();
  }
  void release() { call_ = nullptr; }

 private:
  Call* call_;
};

}  // namespace nimbus::wrpc
