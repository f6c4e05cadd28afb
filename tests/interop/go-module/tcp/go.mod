module nimbus/interop/tcp

go 1.24

require wrpc.io/go v0.2.0
