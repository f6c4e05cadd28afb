#pragma once

#include <vector>

#include "wrpc/service.h"

namespace nimbus::wrpc {

// The whole `main` of a provider: serves the interfaces at the address that is the program's only
// argument (unix:PATH, tcp:HOST:PORT, nats:PREFIX or nats://SERVER/PREFIX), prints
// "serving ADDRESS" on standard output once it does, logs to standard error, and on SIGTERM or
// SIGINT lets the calls that run end, for some seconds. Returns the program's exit status. The
// handlers are made before: they are called on one thread, which is not that of `main`.
//
//   int main(int argc, char** argv) {
//     return nimbus::wrpc::provide(argc, argv, {prices::serve(std::make_shared<Prices>())});
//   }
[[nodiscard]] int provide(int argc, char** argv, std::vector<Interface> interfaces);

}  // namespace nimbus::wrpc
