// A peer of the interface tests/interop/wit, on wRPC's own Go module over TCP, or over NATS where the
// address is nats://HOST:PORT/PREFIX.
//
//	wrpc-go serve ADDRESS             prints "serving ADDRESS"
//	wrpc-go check ADDRESS             calls everything there once
//	wrpc-go large ADDRESS             calls with large values, over NATS
//	wrpc-go nested ADDRESS            calls with streams and futures within records
//	wrpc-go call ADDRESS CALLS BYTES  for measurements
package main

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
	wrpcnats "wrpc.io/go/nats"
)

const instance = "nimbus:interop/peer"

// The measurements of bench/wrpc.py and bench/wrpc_nats.py.
const benchInstance = "bench:wrpc/service"

type natsPeer struct {
	*wrpcnats.Client
	connection *nats.Conn
}

// A peer at the NATS server and prefix in the address; nil if it is one of TCP.
func overNATS(address string) *natsPeer {
	server, prefix, found := strings.Cut(strings.TrimPrefix(address, "nats://"), "/")
	if !found {
		return nil
	}
	connection, err := nats.Connect("nats://" + server)
	must(err)
	client := wrpcnats.NewClient(connection, wrpcnats.WithPrefix(prefix), wrpcnats.WithGroup(prefix))
	return &natsPeer{client, connection}
}

func run(args []string) error {
	switch {
	case len(args) == 3 && args[1] == "serve":
		return serve(args[2])
	case len(args) == 3 && args[1] == "check":
		return check(args[2])
	case len(args) == 3 && args[1] == "large":
		return checkLarge(args[2])
	case len(args) == 3 && args[1] == "nested":
		return checkNested(args[2])
	case len(args) == 5 && args[1] == "call":
		calls, err := strconv.Atoi(args[3])
		if err != nil {
			return err
		}
		size, err := strconv.Atoi(args[4])
		if err != nil {
			return err
		}
		return measure(args[2], calls, size)
	}
	return errors.New("usage: wrpc-go serve|check|large|nested|call ADDRESS [CALLS BYTES]")
}

func main() {
	if err := run(os.Args); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
