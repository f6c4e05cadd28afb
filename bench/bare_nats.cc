// What a wRPC call over NATS is measured beside: a request and its reply with libnats alone, both
// sent as soon as possible.
//
//   bare_nats serve URL SUBJECT                 replies with what it gets, until standard input
//   ends bare_nats call URL SUBJECT CALLS BYTES      requests one after the other

#include <nats/nats.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

void check(natsStatus status) {
  if (status == NATS_OK) return;
  std::fprintf(stderr, "bare_nats: %s\n", natsStatus_GetText(status));
  std::exit(1);
}

natsConnection* connectTo(const char* url) {
  natsOptions* options = nullptr;
  natsConnection* connection = nullptr;
  check(natsOptions_Create(&options));
  check(natsOptions_SetURL(options, url));
  check(natsOptions_SetSendAsap(options, true));
  check(natsConnection_Connect(&connection, options));
  natsOptions_Destroy(options);
  return connection;
}

void reply(natsConnection* connection, natsSubscription*, natsMsg* message, void*) {
  check(natsConnection_Publish(connection, natsMsg_GetReply(message), natsMsg_GetData(message),
                               natsMsg_GetDataLength(message)));
  natsMsg_Destroy(message);
}

void serve(char** words) {
  natsConnection* connection = connectTo(words[0]);
  natsSubscription* subscription = nullptr;
  check(natsConnection_Subscribe(&subscription, connection, words[1], reply, nullptr));
  check(natsConnection_Flush(connection));
  std::puts("serving");
  std::fflush(stdout);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) continue;
  natsSubscription_Destroy(subscription);
  natsConnection_Destroy(connection);
}

void request(natsConnection* connection, const char* subject, const std::string& bytes) {
  natsMsg* answer = nullptr;
  check(natsConnection_Request(&answer, connection, subject, bytes.data(),
                               static_cast<int>(bytes.size()), 10'000));
  natsMsg_Destroy(answer);
}

void call(char** words) {
  natsConnection* connection = connectTo(words[0]);
  const int calls = std::atoi(words[2]);
  const std::string bytes(std::strtoul(words[3], nullptr, 10), 'x');
  for (int i = 0; i < calls / 10; ++i) request(connection, words[1], bytes);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < calls; ++i) request(connection, words[1], bytes);
  const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
  std::printf("us_per_call %.3f\n", took.count() / calls);
  natsConnection_Destroy(connection);
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 3 ? argv[1] : "";
  if (mode == "serve" && argc == 4) {
    serve(argv + 2);
  } else if (mode == "call" && argc == 6) {
    call(argv + 2);
  } else {
    std::fprintf(stderr, "usage: bare_nats serve URL SUBJECT | call URL SUBJECT CALLS BYTES\n");
    return 2;
  }
  nats_Close();
  return 0;
}
