#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/task.h"
#include "host/admin/admin_call.h"
#include "host/admin/workload_metrics.h"
#include "host/control/events.h"
#include "host/control/folder_source.h"
#include "host/control/readiness.h"
#include "host/control/workload_manager.h"
#include "http/handler.h"

namespace nimbus::host {

// What the API tells and changes; all of it lives longer than the API.
struct AdminEnvironment {
  net::Shard& shard;
  WorkloadManager& manager;
  EventLog& events;
  const Readiness& readiness;
  const MetricRegistry& metrics;
  const Clock& clock;
  bool durable = false;                  // workloads survive a restart
  const FolderSource* folder = nullptr;  // null: none is followed
  MetricWriter more_metrics = {};        // may be empty
  // Asks the process to finish what runs and end; called once the answer is on its way. It must
  // not destroy anything before it returns.
  std::function<void()> drain;
};

struct AdminOptions {
  // Set: requests must bear what it gives then ("authorization: Bearer <token>"). For TCP; a Unix
  // socket is guarded by its file's mode.
  using CurrentToken = std::function<std::string()>;
  CurrentToken token;
  std::size_t max_body_bytes = 1024 * 1024;
  std::size_t max_event_readers = 64;
};

// The administration API over HTTP and JSON (docs/formats/admin-api.md). Serves on the control
// shard only.
class AdminApi final : public http::Handler {
 public:
  AdminApi(AdminEnvironment environment, AdminOptions options);

  [[nodiscard]] Task<void> handle(http::ServerRequest& request,
                                  http::ResponseWriter& response) override;

 private:
  [[nodiscard]] bool authorized(const http::RequestHead& head) const;
  Task<void> dispatch(AdminCall call, http::ServerRequest& request, http::ResponseWriter& response);
  Task<void> apply(AdminCall call, http::ServerRequest& request, http::ResponseWriter& response);
  Task<Result<std::string>> readBody(http::BodyReader& body);
  Task<void> list(AdminCall call, http::ResponseWriter& response);
  Task<void> remove(AdminCall call, http::ResponseWriter& response);
  Task<void> streamEvents(AdminCall call, std::string last_event_id,
                          http::ResponseWriter& response);
  Task<Result<void>> streamEventsAfter(std::uint64_t cursor, AdminCall call,
                                       http::ResponseWriter& response);
  void sendHost(http::ResponseWriter& response);

  AdminEnvironment environment_;
  AdminOptions options_;
  TimePoint started_;
  std::size_t event_readers_ = 0;
};

// Answers probes and scrapes without any permission: /livez (200 while the process runs), /readyz
// (200 once every workload has been restored, 503 before that and while draining) and /metrics.
// Serves on the shard that `more_metrics` may be called on.
class ProbeHandler final : public http::Handler {
 public:
  // `more_metrics`: families that are made at each scrape.
  ProbeHandler(const Readiness& readiness, const MetricRegistry& metrics,
               MetricWriter more_metrics = {})
      : readiness_(readiness), metrics_(metrics), more_metrics_(std::move(more_metrics)) {}

  [[nodiscard]] Task<void> handle(http::ServerRequest& request,
                                  http::ResponseWriter& response) override;

 private:
  const Readiness& readiness_;
  const MetricRegistry& metrics_;
  const MetricWriter more_metrics_;
};

}  // namespace nimbus::host
