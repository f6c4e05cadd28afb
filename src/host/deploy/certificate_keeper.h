#pragma once

#include <memory>

#include "base/log.h"
#include "base/sync.h"
#include "net/shard.h"
#include "net/tls.h"

namespace nimbus::host {

// Looks after the certificates of a listener: every few seconds, files that changed are loaded
// again. Works on the control shard from construction to destruction; made on the main thread.
class CertificateKeeper {
 public:
  CertificateKeeper(net::ShardGroup& control, std::shared_ptr<net::TlsServerContext> tls,
                    Logger& log);
  ~CertificateKeeper();
  CertificateKeeper(const CertificateKeeper&) = delete;
  CertificateKeeper& operator=(const CertificateKeeper&) = delete;

 private:
  net::ShardGroup& control_;
  TaskSet tasks_;  // the control shard's
};

}  // namespace nimbus::host
