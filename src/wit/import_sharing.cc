#include "wit/import_sharing.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace nimbus::wit {
namespace {

struct Shared {
  std::string_view interface;
  std::string_view version;  // and what is compatible with it
};

constexpr std::array kShared = std::to_array<Shared>({
    // Errors, streams and pollables: handles only.
    {"wasi:io/error", "0.2"},
    {"wasi:io/poll", "0.2"},
    {"wasi:io/streams", "0.2"},
    // Requests, responses, bodies. Sending one is wasi:http/outgoing-handler and wasi:http/client.
    {"wasi:http/types", "0.2"},
    {"wasi:http/types", "0.3"},
    // Acts on descriptors. The first of them come from wasi:filesystem/preopens.
    {"wasi:filesystem/types", "0.2"},
    {"wasi:filesystem/types", "0.3"},
    // Act on sockets, which carry the policy of whoever created them. In 0.3 creating and using
    // is one interface, wasi:sockets/types: not shared.
    {"wasi:sockets/network", "0.2"},
    {"wasi:sockets/tcp", "0.2"},
    {"wasi:sockets/udp", "0.2"},
    // Types; and ending the call, whose fate is common anyway.
    {"wasi:cli/exit", "0.2"},
    {"wasi:cli/exit", "0.3"},
    {"wasi:cli/terminal-input", "0.2"},
    {"wasi:cli/terminal-input", "0.3"},
    {"wasi:cli/terminal-output", "0.2"},
    {"wasi:cli/terminal-output", "0.3"},
    {"wasi:cli/types", "0.3"},
    // The same for everybody.
    {"wasi:clocks/monotonic-clock", "0.2"},
    {"wasi:clocks/monotonic-clock", "0.3"},
    {"wasi:clocks/system-clock", "0.3"},
    {"wasi:clocks/timezone", "0.2"},
    {"wasi:clocks/types", "0.3"},
    {"wasi:clocks/wall-clock", "0.2"},
    {"wasi:random/insecure", "0.2"},
    {"wasi:random/insecure", "0.3"},
    {"wasi:random/insecure-seed", "0.2"},
    {"wasi:random/insecure-seed", "0.3"},
    {"wasi:random/random", "0.2"},
    {"wasi:random/random", "0.3"},
});

}  // namespace

bool isSharedInterface(const InterfaceName& name) {
  const std::string whole = name.interface + "@" + name.version;
  return std::ranges::any_of(kShared, [&](const Shared& shared) {
    return interfaceMatches(shared.interface, shared.version, whole);
  });
}

}  // namespace nimbus::wit
