//! What `engine.h` declares, one concept per module.

mod budget;
mod call;
mod channels;
mod component;
mod config;
mod context;
mod egress;
mod exchange;
mod exports;
mod guest;
mod guest_resources;
mod handles;
mod host;
mod http_call;
mod import_call;
mod imports;
mod incoming_body;
mod inlet;
mod labels;
mod lookup;
mod outlet;
mod raw;
mod rpc_errors;
mod stdio;
mod wake;
mod worker;
