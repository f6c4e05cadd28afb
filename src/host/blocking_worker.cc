#include "host/blocking_worker.h"

namespace nimbus::host {

BlockingWorker::BlockingWorker() : thread_([this] { work(); }) {}

BlockingWorker::~BlockingWorker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void BlockingWorker::post(std::move_only_function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
  }
  wake_.notify_one();
}

void BlockingWorker::work() {
  std::vector<std::move_only_function<void()>> batch;
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
      if (jobs_.empty()) return;
      batch.swap(jobs_);
    }
    for (auto& job : batch) job();
    batch.clear();
  }
}

}  // namespace nimbus::host
