// {{crate_name}} ADDRESS: serves the tasks at unix:PATH, tcp:ADDRESS:PORT or
// nats://SERVER/PREFIX until it is told to end.

#include <cstdint>
#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "local/tasks/tasks.h"
#include "wrpc/provider_main.h"

namespace {

using namespace nimbus;
namespace api = ::local::tasks::tasks;

// One for all callers, on whichever thread they come.
class Tasks final : public api::Handler {
 public:
  wrpc::Answer<api::Task> add(const wrpc::CallContext&, std::string_view text) override {
    const std::lock_guard lock(mutex_);
    const auto number = static_cast<std::uint32_t>(tasks_.size() + 1);
    tasks_.push_back({.number = number, .text = std::string(text), .done = false});
    return tasks_.back();
  }

  // The std::expected is the result of the WIT; `fail(…)` would end the call itself.
  wrpc::Answer<std::expected<api::Task, std::string>> finish(const wrpc::CallContext&,
                                                             std::uint32_t number) override {
    const std::lock_guard lock(mutex_);
    if (number == 0 || number > tasks_.size()) {
      return wrpc::err("there is no task " + std::to_string(number));
    }
    api::Task& task = tasks_[number - 1];
    task.done = true;
    return task;
  }

  // A stream of what is there; one that is made as it is read is a wrpc::StreamSource.
  wrpc::Answer<wrpc::StreamReader<api::Task>> all(const wrpc::CallContext&) override {
    const std::lock_guard lock(mutex_);
    return wrpc::StreamReader<api::Task>(tasks_);
  }

 private:
  std::mutex mutex_;
  std::vector<api::Task> tasks_;
};

}  // namespace

int main(int argc, char** argv) {
  return wrpc::provide(argc, argv, {api::serve(std::make_shared<Tasks>())});
}
