#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "base/sync.h"
#include "base/task.h"
#include "net/shard.h"

namespace nimbus::net {

// Threads for work that may block, such as syncing a file or asking a database, so that no shard
// waits for a disk. With one thread, jobs run one at a time in the order they were given; with
// several, they begin in that order. Destroying it finishes the jobs it has; shards whose tasks use
// it live longer.
//
//   auto bytes = co_await worker.run<Result<Bytes>>(shard, [path] { return readFile(path); });
class BlockingWorker {
 public:
  explicit BlockingWorker(std::size_t thread_count = 1);
  BlockingWorker(const BlockingWorker&) = delete;
  BlockingWorker& operator=(const BlockingWorker&) = delete;
  ~BlockingWorker();

  // Any thread.
  void post(std::move_only_function<void()> job);

  // Runs the job on one of the threads and returns its value on `shard`. A destroyed task drops the
  // value, but the job still runs.
  template <typename T>
  Task<T> run(Shard& shard, std::move_only_function<T()> job) {
    auto arrived = std::make_shared<OneShot<T>>();  // touched on the shard only
    post([&shard, arrived, job = std::move(job)]() mutable {
      shard.post([arrived = std::move(arrived), value = job()]() mutable {
        arrived->set(std::move(value));
      });
    });
    co_return co_await arrived->wait();
  }

 private:
  void work();

  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::move_only_function<void()>> jobs_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace nimbus::net
