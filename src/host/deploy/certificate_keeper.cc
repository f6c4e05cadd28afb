#include "host/deploy/certificate_keeper.h"

namespace nimbus::host {
namespace {

constexpr Duration kCertificateCheck = std::chrono::seconds(5);

Task<void> keepCertificates(net::Shard* shard, std::shared_ptr<net::TlsServerContext> tls,
                            Logger* log) {
  while (true) {
    co_await shard->sleepFor(kCertificateCheck);
    const auto reloaded = tls->reloadIfChanged();
    if (!reloaded) {
      log->warn("certificates changed and some do not load: of those the old ones stay",
                {{"reason", reloaded.error().describe()}});
    } else if (*reloaded) {
      log->info("certificates reloaded");
    }
  }
}

}  // namespace

CertificateKeeper::CertificateKeeper(net::ShardGroup& control,
                                     std::shared_ptr<net::TlsServerContext> tls, Logger& log)
    : control_(control) {
  control_.runOn(0, [&](net::Shard& shard) { tasks_.spawn(keepCertificates(&shard, tls, &log)); });
}

CertificateKeeper::~CertificateKeeper() {
  control_.runOn(0, [this](net::Shard&) { tasks_.cancelAll(); });
}

}  // namespace nimbus::host
