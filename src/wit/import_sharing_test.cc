#include "wit/import_sharing.h"

#include <gtest/gtest.h>

namespace nimbus::wit {
namespace {

bool shared(std::string_view name) { return isSharedInterface(parseInterfaceName(name)); }

TEST(ImportSharing, WhatActsOnHandlesOrGivesEverybodyTheSameIsShared) {
  for (const char* name :
       {"wasi:io/streams@0.2.0", "wasi:io/poll@0.2.12", "wasi:http/types@0.2.3",
        "wasi:http/types@0.3.0", "wasi:filesystem/types@0.2.0", "wasi:filesystem/types@0.3.0",
        "wasi:sockets/tcp@0.2.0", "wasi:sockets/network@0.2.0", "wasi:clocks/wall-clock@0.2.0",
        "wasi:clocks/system-clock@0.3.0", "wasi:random/random@0.3.1", "wasi:cli/exit@0.2.0"})
    EXPECT_TRUE(shared(name)) << name;
}

TEST(ImportSharing, WhatCarriesPermissionOrConfigurationIsNot) {
  for (const char* name :
       {"wasi:cli/environment@0.2.0", "wasi:cli/environment@0.3.0", "wasi:cli/stdin@0.2.0",
        "wasi:cli/stdout@0.3.0", "wasi:cli/terminal-stdout@0.2.0", "wasi:filesystem/preopens@0.2.0",
        "wasi:filesystem/preopens@0.3.0", "wasi:sockets/tcp-create-socket@0.2.0",
        "wasi:sockets/udp-create-socket@0.2.0", "wasi:sockets/instance-network@0.2.0",
        "wasi:sockets/ip-name-lookup@0.2.0", "wasi:sockets/ip-name-lookup@0.3.0",
        "wasi:sockets/types@0.3.0", "wasi:http/outgoing-handler@0.2.0", "wasi:http/client@0.3.0",
        "wasi:config/store@0.2.0-rc.1", "wasi:keyvalue/store@0.2.0-draft"})
    EXPECT_FALSE(shared(name)) << name;
}

TEST(ImportSharing, WhatIsNotKnownIsNot) {
  for (const char* name :
       {"acme:shop/backend@1.0.0", "wasi:io/streams", "wasi:io/streams@0.3.0",
        "wasi:io/streams@1.2.0", "wasi:io/streams@0.2.0-draft", "wasi:io/streams-more@0.2.0",
        "other:io/streams@0.2.0", "streams", "", "wasi:sockets/tcp@0.3.0"})
    EXPECT_FALSE(shared(name)) << name;
}

}  // namespace
}  // namespace nimbus::wit
