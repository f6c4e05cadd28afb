//! An item of a stream, or the value of a future, whose type is known at run time only.

use std::cell::Cell;
use std::mem::MaybeUninit;

use wasmtime::component::__internal::{
    CanonicalAbiInfo, InstanceType, InterfaceType, LiftContext, LowerContext,
};
use wasmtime::component::{ComponentType, Lift, Lower};
use wasmtime::{Result, ValRaw, bail};

use super::lift::Lifter;
use super::lower::Lowerer;
use super::reader::Reader;
use super::value::NO_ABI;

/// Its encoding. It holds no handles, streams or futures: see `Shape::check_channels`.
pub struct RawItem(pub Vec<u8>);

thread_local! {
    /// Which item of a guest's write is lifted next. Wasmtime takes our size to be 0, so it gives
    /// the address of the first one for all.
    static INDEX: Cell<usize> = const { Cell::new(0) };
}

/// The next item that this thread lifts is that one of the guest's write.
pub fn lift_item_next(index: usize) {
    INDEX.set(index);
}

// SAFETY: memory is reached only through bounds checks of our own, and core values never.
unsafe impl ComponentType for RawItem {
    type Lower = [ValRaw; 1];
    const ABI: CanonicalAbiInfo = NO_ABI;

    fn typecheck(_: &InterfaceType, _: &InstanceType<'_>) -> Result<()> {
        Ok(())
    }
}

// SAFETY: reads only what lies within the guest's memory.
unsafe impl Lift for RawItem {
    fn linear_lift_from_flat(
        _: &mut LiftContext<'_>,
        _: InterfaceType,
        _: &Self::Lower,
    ) -> Result<Self> {
        bail!("an item does not stand in core values");
    }

    fn linear_lift_from_memory(
        context: &mut LiftContext<'_>,
        ty: InterfaceType,
        at: &[u8],
    ) -> Result<Self> {
        // `at` is empty and stands where the first item begins.
        let first = at.as_ptr() as usize - context.memory().as_ptr() as usize;
        let size = context.types.canonical_abi(&ty).size32 as usize;
        let Some(offset) = INDEX
            .get()
            .checked_mul(size)
            .and_then(|distance| first.checked_add(distance))
        else {
            bail!("pointer out of bounds of memory");
        };
        let mut lifter = Lifter::<true>::new(context);
        lifter.item(ty, offset)?;
        let mut lifted = lifter.finish();
        Ok(RawItem(std::mem::take(&mut lifted.bytes)))
    }
}

// SAFETY: writes memory only through bounds checks of our own.
unsafe impl Lower for RawItem {
    fn linear_lower_to_flat<U>(
        &self,
        _: &mut LowerContext<'_, U>,
        _: InterfaceType,
        _: &mut MaybeUninit<Self::Lower>,
    ) -> Result<()> {
        bail!("an item does not go into core values");
    }

    fn linear_lower_to_memory<U>(
        &self,
        context: &mut LowerContext<'_, U>,
        ty: InterfaceType,
        offset: usize,
    ) -> Result<()> {
        let align = context.types.canonical_abi(&ty).align32 as usize;
        if offset & (align - 1) != 0 {
            bail!("pointer not aligned");
        }
        let reader = Reader::new(&self.0, &[]);
        let mut lowerer = Lowerer::<U, true>::new(context, reader, &[], &[]);
        lowerer.memory(ty, offset)?;
        lowerer.end()
    }

    fn linear_store_list_to_memory<U>(
        context: &mut LowerContext<'_, U>,
        ty: InterfaceType,
        mut offset: usize,
        items: &[Self],
    ) -> Result<()> {
        let size = context.types.canonical_abi(&ty).size32 as usize;
        for item in items {
            item.linear_lower_to_memory(context, ty, offset)?;
            // Past the end of memory the next item is refused, not this sum.
            offset = offset.saturating_add(size);
        }
        Ok(())
    }
}
