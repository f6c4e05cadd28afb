#include "wash/access_log_rotation.h"

namespace nimbus::wash {

std::function<void(const Error&)> accessLogProblems(Logger& log) {
  return [&log](const Error& error) {
    log.warn("records of the access log are lost", {{"error", error.describe()}});
  };
}

Result<std::unique_ptr<AccessLogRotation>> AccessLogRotation::watch(net::ShardGroup& control,
                                                                    http::AccessLog& access_log,
                                                                    Logger& log) {
  std::unique_ptr<AccessLogRotation> rotation(new AccessLogRotation(control, access_log, log));
  Result<void> made;
  control.runOn(0, [&](net::Shard& shard) {
    auto watch = net::watchHangUps(shard, [raw = rotation.get()] { raw->reopen(); });
    if (watch) {
      rotation->hang_ups_ = *std::move(watch);
    } else {
      made = std::unexpected(std::move(watch).error());
    }
  });
  TRY_VOID(made);
  return rotation;
}

AccessLogRotation::~AccessLogRotation() {
  control_.runOn(0, [this](net::Shard&) { hang_ups_.reset(); });
}

void AccessLogRotation::reopen() {
  if (const auto reopened = access_log_.reopen(); !reopened)
    return log_.warn("the access log stays where it was", {{"error", reopened.error().describe()}});
  log_.info("the access log was opened anew");
}

}  // namespace nimbus::wash
