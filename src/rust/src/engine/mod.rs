//! What `engine.h` declares, one concept per module.

mod budget;
mod call;
mod component;
mod config;
mod context;
mod egress;
mod exchange;
mod exports;
mod guest;
mod handles;
mod host;
mod http_call;
mod import_call;
mod imports;
mod incoming_body;
mod labels;
mod lookup;
mod raw;
mod stdio;
mod wake;
mod worker;
