//! What `engine.h` declares, one concept per module.

mod budget;
mod call;
mod component;
mod config;
mod context;
mod egress;
mod exchange;
mod host;
mod http_call;
mod incoming_body;
mod labels;
mod lookup;
mod stdio;
mod wake;
mod worker;
