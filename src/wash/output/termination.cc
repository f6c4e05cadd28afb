#include "wash/output/termination.h"

#include <unistd.h>

#include <utility>

#include "base/running_programs.h"
#include "net/shard_result.h"
#include "wash/output/exit_status.h"

namespace nimbus::wash {

Result<std::unique_ptr<Termination>> Termination::watch(net::ShardGroup& control) {
  std::unique_ptr<Termination> termination(new Termination(control));
  TRY(termination->signals_,
      net::resultOn(control, 0, [raw = termination.get()](net::Shard& shard) {
        return net::watchSignals(shard, [raw](int signal) { raw->received(signal); });
      }));
  return termination;
}

Termination::~Termination() {
  control_.runOn(0, [this](net::Shard&) { signals_.reset(); });
}

void Termination::received(int signal) {
  const std::lock_guard lock(mutex_);
  count_ += 1;
  if (count_ >= 2) {
    endRunningPrograms();
    ::_exit(exitStatusOfSignal(signal));
  }
  tell();
}

void Termination::tell() {
  changed_.notify_all();
  if (const auto requested = std::exchange(on_request_, {})) requested();
}

void Termination::onRequest(std::function<void()> requested) {
  const std::lock_guard lock(mutex_);
  on_request_ = std::move(requested);
  if (count_ > 0) tell();
}

void Termination::request() {
  const std::lock_guard lock(mutex_);
  if (count_ == 0) count_ = 1;
  tell();
}

void Termination::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return count_ > 0; });
}

}  // namespace nimbus::wash
