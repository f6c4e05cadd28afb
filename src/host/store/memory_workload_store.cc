#include <map>

#include "host/store/workload_store.h"

namespace nimbus::host {
namespace {

class MemoryWorkloadStore final : public WorkloadStore {
 public:
  Task<std::vector<StoredWorkload>> load() override {
    std::vector<StoredWorkload> all;
    for (const auto& [id, workload] : workloads_) all.push_back(workload);
    co_return all;
  }
  Task<Result<void>> save(StoredWorkload workload) override {
    workloads_.insert_or_assign(workload.spec->id(), workload);
    co_return Result<void>();
  }
  Task<Result<void>> remove(std::string id) override {
    workloads_.erase(id);
    co_return Result<void>();
  }
  Result<std::uint64_t> nextGeneration() override { return next_generation_++; }
  bool durable() const override { return false; }

 private:
  std::map<std::string, StoredWorkload> workloads_;
  std::uint64_t next_generation_ = 1;
};

}  // namespace

std::unique_ptr<WorkloadStore> makeMemoryWorkloadStore() {
  return std::make_unique<MemoryWorkloadStore>();
}

}  // namespace nimbus::host
