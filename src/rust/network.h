#pragma once

// Sockets of guests, the private networks of workloads, and ports of the machine that lead into
// those. Implemented in src/engine/context.rs and src/engine/sockets/; the conventions are those of
// engine.h.

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct NimbusNetwork NimbusNetwork;  // the private network of one workload
typedef struct NimbusPort NimbusPort;        // a port of the machine that leads into one

typedef enum {
  NIMBUS_SOCKET_TCP_BIND = 0,
  NIMBUS_SOCKET_TCP_CONNECT = 1,
  NIMBUS_SOCKET_TCP_LISTEN = 2,
  NIMBUS_SOCKET_TCP_ACCEPT = 3,
  NIMBUS_SOCKET_UDP_BIND = 4,
  NIMBUS_SOCKET_UDP_SEND = 5,
  NIMBUS_SOCKET_UDP_RECEIVE = 6,
  // TCP_CONNECT to loopback, from a private network in which nobody listens there: whether the
  // machine's own is meant. If not, connecting is refused as if it did not exist.
  NIMBUS_SOCKET_HOST_LOOPBACK = 7,
} NimbusSocketUse;

// Each socket is counted as open from when it is made until nothing of it is left; and as outgoing
// from when it connects out of its private network (of UDP: from when it is made) until then.
typedef enum { NIMBUS_SOCKET_COUNT_OPEN = 0, NIMBUS_SOCKET_COUNT_OUTGOING = 1 } NimbusSocketCount;

// What TCP sockets that are bound or connect to loopback have instead of the machine's: streams in
// memory between instances on any threads, with no descriptor. Who may bind and listen there is
// asked by socket_allowed. Contexts keep it. Connections from ports of the machine: `max_inbound`
// at once, more are reset.
NimbusNetwork* nimbus_network_new(uint32_t max_inbound);
void nimbus_network_free(NimbusNetwork* network);

// Why a connection that came to a port of the machine was reset.
typedef enum {
  NIMBUS_PORT_NOBODY_LISTENED = 0,
  NIMBUS_PORT_TOO_MANY = 1  // for the network that it leads into
} NimbusPortRefusal;

// Who is told of that. Any thread; not any more once the port was led elsewhere or freed, which
// waits for a call that runs.
typedef struct {
  void* context;
  void (*refused)(void* context, int32_t why);
  void (*release)(void* context);
} NimbusPortCalls;

// Listens on a port of the machine, at an address of 4 or 16 bytes in network order, until it is
// freed. Connections wait for somebody to listen where it leads, for `patience_ns` at most; from
// the beginning of that they are among the `max_inbound` of the network. Those that were carried
// over stay when it is led elsewhere or freed.
NimbusPort* nimbus_port_new(const uint8_t* address, size_t size, uint16_t port,
                            int64_t patience_ns);
void nimbus_port_lead_to(const NimbusPort* port, const NimbusNetwork* network,
                         uint16_t private_port, NimbusPortCalls calls);
void nimbus_port_free(NimbusPort* port);

#ifdef __cplusplus
}
static_assert(sizeof(NimbusPortCalls) == 24);
#endif
