#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>

#include "base/process.h"
#include "base/result.h"

namespace nimbus::plugin {

// The programs that plugins have started in the background, of one run of `wash`: they end with it,
// or when their plugin stops them. Any thread.
class BackgroundPrograms {
 public:
  static constexpr std::size_t kMaxOfPlugin = 16;

  [[nodiscard]] Result<std::uint32_t> add(const std::string& plugin,
                                          std::unique_ptr<BackgroundProcess> process);
  // False if the plugin has none of that number.
  [[nodiscard]] bool stop(const std::string& plugin, std::uint32_t number);

 private:
  std::mutex mutex_;
  std::uint32_t last_ = 0;
  std::map<std::pair<std::string, std::uint32_t>, std::unique_ptr<BackgroundProcess>> running_;
};

}  // namespace nimbus::plugin
