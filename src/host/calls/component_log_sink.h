#pragma once

#include <memory>

#include "capability/logging/logging.h"
#include "host/calls/failure_log.h"

namespace nimbus::host {

// Records of wasi:logging, into the host's log with the component that wrote them.
class ComponentLogSink final : public logging::Sink {
 public:
  explicit ComponentLogSink(std::shared_ptr<ComponentLog> log) : log_(std::move(log)) {}
  void record(const wrpc::Consumer& from, logging::Level level, std::string_view context,
              std::string_view message) override;

 private:
  const std::shared_ptr<ComponentLog> log_;
};

}  // namespace nimbus::host
