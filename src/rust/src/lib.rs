//! Wasmtime and the WIT tools behind two C headers, `engine.h` and `tools.h`; and beside them
//! `authorities.h`. Thin on purpose: no policy, no configuration, no control plane lives here.

mod abi;
mod authorities;
mod engine;
mod tools;
