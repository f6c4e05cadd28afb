// greeter ADDRESS: serves example:greeter at unix:PATH, tcp:HOST:PORT or nats://SERVER/PREFIX
// until it is told to end.

#include "greeter.h"
#include "wrpc/provider_main.h"

int main(int argc, char** argv) {
  return nimbus::wrpc::provide(argc, argv,
                               {example::greeter::greeter::serve(example::makeGreeter())});
}
