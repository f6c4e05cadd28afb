#include "host/deploy/code_loads.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/sync.h"

namespace nimbus::host {

// One component that is compiled, or waits for a place. Its task owns it, too.
struct CodeLoads::Job {
  explicit Job(std::shared_ptr<const WorkloadSpec> workload) : spec(std::move(workload)) {}

  const std::shared_ptr<const WorkloadSpec> spec;  // of who asked first, which says where it is
  std::size_t waiting = 0;
  bool begun = false;
  std::optional<Result<WorkloadCode>> outcome;  // of that workload, as far as it could be had
  Event done;
  TaskSet task;
};

// On the frame of whoever waits for a job. The last one to go takes it back, if it has not begun.
class CodeLoads::Waiting {
 public:
  Waiting(CodeLoads& loads, const engine::Sha256& key, std::shared_ptr<Job> job)
      : loads_(loads), key_(key), job_(std::move(job)) {
    ++job_->waiting;
  }
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() {
    if (--job_->waiting > 0 || job_->begun) return;
    loads_.jobs_.erase(key_);
    job_->task.cancelAll();
  }

 private:
  CodeLoads& loads_;
  const engine::Sha256 key_;
  const std::shared_ptr<Job> job_;
};

CodeLoads::CodeLoads(net::Shard& control, std::size_t at_once, Load load)
    : load_(std::move(load)),
      finding_(control, std::max<std::size_t>(1, at_once)),
      compiling_(control, std::max<std::size_t>(1, at_once)) {}

// A job that somebody else began may fail for reasons of its own, or for want of a file that has
// changed meanwhile: that is seen when the component is looked for again.
Task<Result<WorkloadCode>> CodeLoads::load(std::shared_ptr<const WorkloadSpec> spec) {
  std::vector<std::shared_ptr<const Job>> jobs;  // what they loaded stays loaded
  for (;;) {
    auto found = co_await find(spec);
    if (!found || !found->missing) co_return found;
    const auto job = co_await compiled(spec, *found->missing);
    const auto& made = *job->outcome;
    if (job->spec == spec && (!made || !made->missing)) co_return made;
    jobs.push_back(job);
  }
}

// What was read is gone when the permit is given back.
Task<Result<WorkloadCode>> CodeLoads::find(std::shared_ptr<const WorkloadSpec> spec) {
  const Permit permit = co_await finding_.acquire();
  co_return co_await load_(std::move(spec), Compiling::nothing());
}

Task<std::shared_ptr<const CodeLoads::Job>> CodeLoads::compiled(
    std::shared_ptr<const WorkloadSpec> spec, engine::Sha256 key) {
  std::shared_ptr<Job> job = jobs_[key];
  if (!job) {
    job = std::make_shared<Job>(std::move(spec));
    jobs_[key] = job;
    job->task.spawn(compile(key, job));
  }
  const Waiting waiting(*this, key, job);
  co_await job->done.wait();
  co_return job;
}

Task<void> CodeLoads::compile(engine::Sha256 key, std::shared_ptr<Job> job) {
  {
    const Permit permit = co_await compiling_.acquire();
    job->begun = true;
    job->outcome = co_await load_(job->spec, Compiling::only(key));
  }
  jobs_.erase(key);
  job->done.set();
}

void CodeLoads::cancelAll() {
  for (const auto& [key, job] : std::exchange(jobs_, {})) job->task.cancelAll();
}

}  // namespace nimbus::host
