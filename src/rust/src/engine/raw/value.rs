//! The parameters or results of a function as Wasmtime's typed functions take them.
//!
//! `N` is the count of core values. For imports: that of the parameters (whether they arrive flat
//! or in memory), and 0 or 1 for results. For exports: 16 for parameters, and for results their
//! exact count, or 1 if that is above 16.

use std::cell::Cell;
use std::mem::MaybeUninit;
use std::thread::LocalKey;

use wasmtime::component::__internal::wasmtime_environ::component::TypeTuple;
use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext, LowerContext,
};
use wasmtime::component::{
    ComponentNamedList, ComponentType, FutureAny, Lift, Lower, ResourceAny, ResourceType, StreamAny,
};
use wasmtime::{Result, ValRaw, bail};
use wasmtime_wasi::p2::DynInputStream;

use super::MAX_FLAT;
use super::bytes::Data;
use super::lift::Lifter;
use super::lifted::Lifted;
use super::lower::{Lowerer, Slots};
use super::recycled::{Recycle, Recycled, empty_list};

/// Sizes are looked up in the type that is given with each call; Wasmtime must not use these.
pub const NO_ABI: CanonicalAbiInfo = CanonicalAbiInfo {
    size32: 0,
    align32: 1,
    size64: 0,
    align64: 1,
    flat_count: None,
};

/// What a guest sent: parameters of an import, or results of an export.
pub struct RawLift<const N: usize, const EXPORT: bool>(pub Recycled<Lifted>);

/// The reading end of a stream or future on its way into a guest or out of it.
pub enum Channel {
    Stream(StreamAny),
    Future(FutureAny),
    /// An input stream of WASI 0.2, by its place in the store's table.
    Input(u32),
}

/// Whether a resource is what guests know as `input-stream`.
pub fn is_input(resource: ResourceType) -> bool {
    resource == ResourceType::host::<DynInputStream>()
}

/// What a guest gets, wherever it is lowered to.
#[derive(Default)]
pub struct Lowerable {
    pub data: Data,
    /// Of the guest and of others, in the order in which their handles stand in `data`.
    pub resources: Vec<ResourceAny>,
    /// In the order in which they stand in `data`, each with the bytes that it takes there.
    pub channels: Vec<(Channel, usize)>,
}

thread_local! {
    static LOWERABLE: Cell<Option<Box<Lowerable>>> = const { Cell::new(None) };
}

impl Recycle for Lowerable {
    fn slot() -> &'static LocalKey<Cell<Option<Box<Lowerable>>>> {
        &LOWERABLE
    }

    fn empty(&mut self) {
        self.data.empty();
        empty_list(&mut self.resources);
        empty_list(&mut self.channels);
    }
}

impl From<Data> for Recycled<Lowerable> {
    /// Values with no resources or channels among them.
    fn from(data: Data) -> Self {
        let mut made = Self::default();
        made.data = data;
        made
    }
}

/// What a guest gets: results of an import, or parameters of an export.
pub struct RawLower<const N: usize, const EXPORT: bool>(pub Recycled<Lowerable>);

impl<const N: usize, const EXPORT: bool> RawLower<N, EXPORT> {
    fn lowerer<'c, 'a, 'r, U>(
        &'r self,
        context: &'c mut LowerContext<'a, U>,
    ) -> Lowerer<'c, 'a, 'r, U, EXPORT> {
        let Lowerable {
            data,
            resources,
            channels,
        } = &*self.0;
        Lowerer::new(context, data.reader(), resources, channels)
    }
}

fn flat_count(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<Option<usize>> {
    match ty {
        InterfaceType::Tuple(index) => Ok(types.types[*index].abi.flat_count(MAX_FLAT)),
        _ => bail!("not a tuple"),
    }
}

// SAFETY: `Lower` is exactly the core values that `typecheck` asserts, and memory is reached only
// through bounds checks of our own.
unsafe impl<const N: usize, const EXPORT: bool> ComponentType for RawLift<N, EXPORT> {
    type Lower = [ValRaw; N];
    const ABI: CanonicalAbiInfo = NO_ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        match flat_count(ty, types)? {
            Some(count) if count == N => Ok(()),
            None if N == 1 => Ok(()),
            count => bail!("{count:?} core values where {N} were expected"),
        }
    }
}

// SAFETY: a tuple, as `typecheck` asserts.
unsafe impl<const N: usize, const EXPORT: bool> ComponentNamedList for RawLift<N, EXPORT> {}

// SAFETY: reads only what lies within the core values and the guest's memory.
unsafe impl<const N: usize, const EXPORT: bool> Lift for RawLift<N, EXPORT> {
    fn linear_lift_from_flat(
        context: &mut LiftContext<'_>,
        ty: InterfaceType,
        from: &Self::Lower,
    ) -> Result<Self> {
        if N == 0 {
            return Ok(RawLift(Recycled::default()));
        }
        let InterfaceType::Tuple(index) = ty else {
            bail!("not a tuple");
        };
        let mut lifter = Lifter::<EXPORT>::new(context);
        let tuple = lifter.tuple(index);
        match tuple.abi.flat_count(MAX_FLAT) {
            Some(count) if count <= N => {
                let mut values = &from[..count];
                for ty in &tuple.types {
                    lifter.flat(*ty, &mut values)?;
                }
            }
            // Results that went through memory.
            _ => lifter.tuple_in_memory(ty, from[0].get_u32() as usize)?,
        }
        Ok(RawLift(lifter.finish()))
    }

    fn linear_lift_from_memory(
        context: &mut LiftContext<'_>,
        ty: InterfaceType,
        at: &[u8],
    ) -> Result<Self> {
        // `at` is empty and stands where the tuple begins, for Wasmtime takes our size to be 0.
        let offset = at.as_ptr() as usize - context.memory().as_ptr() as usize;
        let mut lifter = Lifter::<EXPORT>::new(context);
        lifter.tuple_in_memory(ty, offset)?;
        Ok(RawLift(lifter.finish()))
    }
}

// SAFETY: as for RawLift.
unsafe impl<const N: usize, const EXPORT: bool> ComponentType for RawLower<N, EXPORT> {
    type Lower = [ValRaw; N];
    const ABI: CanonicalAbiInfo = NO_ABI;

    fn typecheck(ty: &InterfaceType, types: &InstanceType<'_>) -> Result<()> {
        match flat_count(ty, types)? {
            Some(count) if count <= N => Ok(()),
            // Results of an import go to where the guest says, parameters of an export to memory
            // that we ask the guest for.
            _ if (!EXPORT && N == 1) || (EXPORT && N == MAX_FLAT) => Ok(()),
            count => bail!("{count:?} core values where {N} were expected"),
        }
    }
}

// SAFETY: a tuple, as `typecheck` asserts.
unsafe impl<const N: usize, const EXPORT: bool> ComponentNamedList for RawLower<N, EXPORT> {}

// SAFETY: writes all N core values, and memory only through bounds checks of our own.
unsafe impl<const N: usize, const EXPORT: bool> Lower for RawLower<N, EXPORT> {
    fn linear_lower_to_flat<U>(
        &self,
        context: &mut LowerContext<'_, U>,
        ty: InterfaceType,
        to: &mut MaybeUninit<Self::Lower>,
    ) -> Result<()> {
        if N == 0 {
            return self.0.data.reader().end();
        }
        let InterfaceType::Tuple(index) = ty else {
            bail!("not a tuple");
        };
        // SAFETY: an array of N values that are not yet initialised is N such values.
        let slots = unsafe {
            std::slice::from_raw_parts_mut(to.as_mut_ptr().cast::<MaybeUninit<ValRaw>>(), N)
        };
        let mut slots = Slots::new(slots);
        let tuple: &TypeTuple = &context.types[index];
        let mut lowerer = self.lowerer(context);
        match tuple.abi.flat_count(MAX_FLAT) {
            Some(count) if count <= N => {
                for ty in &tuple.types {
                    lowerer.flat(*ty, &mut slots)?;
                }
            }
            _ => {
                let size = tuple.abi.size32 as usize;
                let pointer = lowerer.realloc(tuple.abi.align32, size)?;
                lowerer.memory(ty, pointer)?;
                slots.put(ValRaw::i64(pointer as i64))?;
            }
        }
        slots.fill();
        lowerer.end()
    }

    fn linear_lower_to_memory<U>(
        &self,
        context: &mut LowerContext<'_, U>,
        ty: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        let mut lowerer = self.lowerer(context);
        lowerer.memory(ty, offset)?;
        lowerer.end()
    }
}
