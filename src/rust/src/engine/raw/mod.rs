//! Values between guest memory and the wRPC encoding, for types that are known at run time only:
//! one pass over the type, no tree of values in between.
//!
//! Built on hidden parts of Wasmtime (`component::__internal`): the exact version is pinned, and
//! `tests` and `fuzz` compare every type with Wasmtime's own `Val` through an independent codec.

mod bytes;
mod channels;
#[cfg(any(test, feature = "fuzz"))]
mod fuzz;
mod item;
pub mod leb;
mod lift;
mod lifted;
mod lower;
pub mod reader;
mod recycled;
#[cfg(any(test, feature = "fuzz"))]
mod reference;
mod shape;
mod value;

#[cfg(test)]
mod tests;

pub use bytes::{Data, Pieces};
pub use channels::{Content, Found};
pub use item::{RawItem, lift_item_next};
#[cfg(test)]
pub use lifted::LargeHandle;
pub use lifted::Lifted;
pub use recycled::Recycled;
pub use shape::Shape;
pub use value::{Channel, Lowerable, RawLift, RawLower};

/// Core values that parameters or results take at most before they go through memory.
pub const MAX_FLAT: usize = 16;

/// Bytes that one set of parameters or results may take on the wire.
pub const MAX_WIRE_BYTES: usize = 256 << 20;
