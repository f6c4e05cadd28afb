#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace nimbus::nats {

// A thread for the calls of libnats that block, run one after the other. Ending it waits for those
// that are queued. Internal to src/nats.
class Worker {
 public:
  Worker() : thread_([this] { work(); }) {}
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() {
    run(nullptr);
    thread_.join();
  }

  // Any thread.
  void run(std::move_only_function<void()> job) {
    {
      std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
    }
    news_.notify_one();
  }

 private:
  void work() {
    while (auto job = next()) job();
  }
  std::move_only_function<void()> next() {
    std::unique_lock lock(mutex_);
    news_.wait(lock, [this] { return !jobs_.empty(); });
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  std::mutex mutex_;
  std::condition_variable news_;
  std::deque<std::move_only_function<void()>> jobs_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace nimbus::nats
