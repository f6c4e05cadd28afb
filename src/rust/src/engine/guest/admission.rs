//! Parameters of calls: checked before the guest sees them, and completed on the instance.

use wasmtime::component::{ResourceAny, ResourceDynamic};
use wasmtime::{AsContextMut, Result, bail};

use super::{OnInstance, Running};
use crate::engine::channels::{Arriving, arriving, inlets};
use crate::engine::exchange::Failure;
use crate::engine::exports::Params;
use crate::engine::guest_call::CallState;
use crate::engine::guest_resources::{Passing, gives_away_twice};
use crate::engine::handles::rep_of;
use crate::engine::host::Host;
use crate::engine::inlet::Channels;
use crate::engine::raw::{Data, Shape};

/// A resource that parameters name.
enum Named {
    Own(ResourceAny),
    /// Of a provider of the component's imports: its dynamic type, and the provider's handle.
    Provided(u32, Box<[u8]>),
}

impl Named {
    /// Gives it to the store.
    fn resolve(self, mut store: impl AsContextMut<Data = Host>) -> Result<ResourceAny> {
        match self {
            Named::Own(resource) => Ok(resource),
            Named::Provided(ty, handle) => {
                let rep = rep_of(&handle, store.as_context_mut().data_mut())?;
                ResourceDynamic::new_own(rep, ty).try_into_resource_any(store)
            }
        }
    }
}

/// The resources and channels that a call's parameters name, if there are any.
#[derive(Default)]
pub struct Taken {
    resources: Vec<Named>,
    /// Those of them that are the guest's own, and what becomes of them.
    found: Vec<(u32, Passing)>,
    /// Those that stay the consumer's.
    pub borrowed: Vec<u32>,
    arriving: Vec<Arriving>,
}

impl OnInstance<'_> {
    /// Completes parameters that were checked: the resources and channels among them need the
    /// instance.
    pub fn resolve(
        &mut self,
        params: &mut Params,
        mut store: impl AsContextMut<Data = Host>,
    ) -> Result<()> {
        let Some(taken) = &mut self.taken else {
            return Ok(());
        };
        for named in std::mem::take(&mut taken.resources) {
            params.resources.push(named.resolve(&mut store)?);
        }
        if !taken.arriving.is_empty() {
            params.channels = inlets(store, std::mem::take(&mut taken.arriving))?;
        }
        Ok(())
    }
}

impl Running<'_> {
    /// Checks the parameters before the guest sees them, and takes the resources that they give
    /// away. What it refuses has ended.
    #[inline]
    pub fn admit(&self, call: &CallState) -> Option<(Params, Option<Box<Taken>>)> {
        let (params, channels) = call.start()?;
        match self.check(call.function, &params.data, channels.as_deref()) {
            Ok(taken) => Some((params, taken)),
            Err(error) => {
                call.end(&Failure::Refused(format!("{error:#}")));
                None
            }
        }
    }

    fn check(
        &self,
        function: usize,
        data: &Data,
        channels: Option<&Channels>,
    ) -> Result<Option<Box<Taken>>> {
        let Some(export) = self.resolved.exports.functions.get(function) else {
            bail!("no such function");
        };
        let mut taken: Option<Box<Taken>> = None;
        let mut reader = data.reader();
        export.params()?.check(&mut reader, &mut |shape, handle| {
            self.name(shape, handle, taken.get_or_insert_default())
        })?;
        reader.end()?;
        if let Some(taken) = &mut taken
            && gives_away_twice(&mut taken.found)
        {
            bail!("a handle is given away that is in use");
        }
        if export.takes_channels {
            let none = Channels::NONE;
            let channels = channels.unwrap_or(&none);
            taken.get_or_insert_default().arriving = arriving(export.params()?, data, channels)?;
        }
        if let Some(taken) = &mut taken {
            self.take(taken);
        }
        Ok(taken)
    }

    /// Finds the resource that a handle stands for.
    fn name(&self, shape: &Shape, handle: &[u8], taken: &mut Taken) -> Result<()> {
        let (declared, passing) = match shape {
            Shape::Own(declared) => (declared, Passing::GivenAway),
            Shape::Borrow(declared) => (declared, Passing::Lent),
            _ => bail!("not a handle"),
        };
        if let Some(ty) = self.resolved.exports.provided(declared) {
            taken.resources.push(Named::Provided(ty, handle.into()));
            return Ok(());
        }
        let Some(number) = handle.try_into().ok().map(u32::from_le_bytes) else {
            bail!("unknown handle");
        };
        let table = self.guest.resources.borrow();
        let Some(owned) = table.owned.get(&number).filter(|owned| !owned.dropped) else {
            bail!("unknown handle");
        };
        if self.types.actual(declared) != Some(owned.resource.ty()) {
            bail!("a handle of another type");
        }
        if passing == Passing::GivenAway && owned.lent > 0 {
            bail!("a handle is given away that is in use");
        }
        taken.found.push((number, passing));
        taken.resources.push(Named::Own(owned.resource));
        Ok(())
    }

    /// Has the consumer give away or lend what was found.
    fn take(&self, taken: &mut Taken) {
        let mut table = self.guest.resources.borrow_mut();
        for (number, passing) in taken.found.drain(..) {
            if passing == Passing::GivenAway {
                table.remove(number);
            } else if let Some(owned) = table.owned.get_mut(&number) {
                owned.lent += 1;
                taken.borrowed.push(number);
            }
        }
    }
}
