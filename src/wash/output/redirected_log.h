#pragma once

#include <initializer_list>
#include <memory>
#include <mutex>
#include <string_view>

#include "base/log.h"

namespace nimbus::wash {

// A log of which the records go elsewhere for a while: to where others write too, so that neither
// cuts the other's lines. Any thread.
class RedirectedLog final : public Logger {
 public:
  explicit RedirectedLog(std::unique_ptr<Logger> own) : own_(std::move(own)) {}
  RedirectedLog(const RedirectedLog&) = delete;
  RedirectedLog& operator=(const RedirectedLog&) = delete;
  ~RedirectedLog() override = default;

  [[nodiscard]] bool enabled(LogLevel level) const override { return own_->enabled(level); }
  void write(LogLevel level, std::string_view message,
             std::initializer_list<LogField> fields) override {
    const std::lock_guard lock(mutex_);
    (elsewhere_ != nullptr ? *elsewhere_ : *own_).write(level, message, fields);
  }

  // While it lives, records go to `elsewhere`, which outlives it. One at a time.
  class Redirection {
   public:
    Redirection(RedirectedLog& log, Logger& elsewhere) : log_(log) { log_.redirect(&elsewhere); }
    Redirection(const Redirection&) = delete;
    Redirection& operator=(const Redirection&) = delete;
    ~Redirection() { log_.redirect(nullptr); }

   private:
    RedirectedLog& log_;
  };

 private:
  void redirect(Logger* elsewhere) {
    const std::lock_guard lock(mutex_);
    elsewhere_ = elsewhere;
  }

  const std::unique_ptr<Logger> own_;
  std::mutex mutex_;
  Logger* elsewhere_ = nullptr;  // under the mutex
};

}  // namespace nimbus::wash
