#include "wash/terminal/termination.h"

#include <utility>

namespace nimbus::wash {

Termination::Termination() : told_(interrupt_.token(), [this] { received(); }) {}

void Termination::received() {
  const std::lock_guard lock(mutex_);
  if (requested_) interrupt_.endProcess();
  requested_ = true;
  tell();
}

void Termination::tell() {
  changed_.notify_all();
  if (const auto requested = std::exchange(on_request_, {})) requested();
}

void Termination::onRequest(std::function<void()> requested) {
  const std::lock_guard lock(mutex_);
  on_request_ = std::move(requested);
  if (requested_) tell();
}

void Termination::request() {
  const std::lock_guard lock(mutex_);
  requested_ = true;
  tell();
}

void Termination::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return requested_; });
}

}  // namespace nimbus::wash
