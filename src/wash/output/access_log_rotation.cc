#include "wash/output/access_log_rotation.h"

#include "net/shard_result.h"

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
  TRY(rotation->hang_ups_, net::resultOn(control, 0, [raw = rotation.get()](net::Shard& shard) {
        return net::watchHangUps(shard, [raw] { raw->reopen(); });
      }));
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
