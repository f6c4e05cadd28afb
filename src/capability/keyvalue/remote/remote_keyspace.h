#pragma once

#include <memory>
#include <string>

#include "capability/keyvalue/store.h"
#include "wrpc/invoker.h"

namespace nimbus::keyvalue {

struct RemoteKeyspaceOptions {
  // Before each bucket's name, so that consumers who share a provider do not share buckets.
  std::string bucket_prefix;
  // After which a call is given up.
  Duration timeout = std::chrono::seconds(10);
};

// A provider at the other end of a wire as a keyspace. Speaks to it the flat
// wrpc:keyvalue@0.2.0-draft, which existing providers know, or if it does not answer to that,
// wasi:keyvalue with handles. Which one it is, is found out when the first bucket is opened, and
// remembered until a call fails otherwise than by a declared error or by its time: another provider
// may have taken the place. The next bucket that is opened finds out again; those that are open
// keep the form that they were opened in. Quotas are the provider's business. Errors beyond those
// of Bucket: what the provider says in words becomes kIo with these words.
[[nodiscard]] std::shared_ptr<Keyspace> remoteKeyspace(
    std::shared_ptr<wrpc::Invoker> provider, std::shared_ptr<const wrpc::Consumer> consumer,
    RemoteKeyspaceOptions options);

}  // namespace nimbus::keyvalue
