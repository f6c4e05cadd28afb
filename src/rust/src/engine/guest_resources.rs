//! The resources of a guest that its consumer owns.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicU32, Ordering};

use wasmtime::component::ResourceAny;
use wasmtime::{Result, bail};

use super::raw::Lifted;

/// Resources of the guest that one consumer may own at once.
const MAX_RESOURCES: usize = 100_000;

pub struct Owned {
    pub resource: ResourceAny,
    /// Of those who share the instance; 0: nobody in particular.
    owner: u64,
    /// Calls under way that borrow it.
    pub lent: usize,
    pub dropped: bool,
}

/// The number of the next resource. One count for all instances: a handle of one that has ended
/// means nothing to its successor.
static NEXT_NUMBER: AtomicU32 = AtomicU32::new(1);

/// Resources that the consumer owns, by the numbers in their handles.
#[derive(Default)]
pub struct Resources {
    pub owned: HashMap<u32, Owned>,
    /// The owner and the number of those that have one.
    by_owner: BTreeSet<(u64, u32)>,
    /// To be destroyed when the instance has time.
    pub doomed: Vec<ResourceAny>,
}

impl Resources {
    /// Puts what a call of that owner returned into the table, and its numbers into the bytes.
    pub fn keep(&mut self, lifted: &mut Lifted, owner: u64) -> Result<()> {
        for (handle, resource) in lifted.large.iter_mut().zip(lifted.resources.drain(..)) {
            if self.owned.len() >= MAX_RESOURCES {
                bail!("more than {MAX_RESOURCES} resources are open");
            }
            let mut number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
            while self.owned.contains_key(&number) {
                number = NEXT_NUMBER.fetch_add(1, Ordering::Relaxed);
            }
            let owned = Owned {
                resource,
                owner,
                lent: 0,
                dropped: false,
            };
            self.owned.insert(number, owned);
            if owner != 0 {
                self.by_owner.insert((owner, number));
            }
            handle.rep = number;
            let at = handle.position + 1;
            lifted.bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        Ok(())
    }

    /// It is the consumer's no more.
    pub fn remove(&mut self, number: u32) -> Option<Owned> {
        let owned = self.owned.remove(&number)?;
        if owned.owner != 0 {
            self.by_owner.remove(&(owned.owner, number));
        }
        Some(owned)
    }

    pub fn doom(&mut self, number: u32) {
        match self.owned.get_mut(&number) {
            Some(owned) if owned.lent > 0 => owned.dropped = true,
            Some(_) => {
                let owned = self.remove(number);
                self.doomed.extend(owned.map(|owned| owned.resource));
            }
            None => {}
        }
    }

    /// All that these owners have.
    pub fn doom_of(&mut self, first: u64, last: u64) {
        let all = (first, 0)..=(last, u32::MAX);
        let numbers: Vec<u32> = self
            .by_owner
            .range(all)
            .map(|(_, number)| *number)
            .collect();
        for number in numbers {
            self.doom(number);
        }
    }

    /// A call that borrowed it has ended.
    pub fn give_back(&mut self, number: u32) {
        let Some(owned) = self.owned.get_mut(&number) else {
            return;
        };
        owned.lent -= 1;
        if owned.dropped {
            self.doom(number);
        }
    }
}

/// How a resource of the guest's own is passed to it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Passing {
    Lent,
    GivenAway,
}

/// Whether one is given away and named another time. Puts them into an order: a call may name any
/// number.
pub fn gives_away_twice(found: &mut [(u32, Passing)]) -> bool {
    found.sort_unstable();
    found
        .windows(2)
        .any(|pair| pair[0].0 == pair[1].0 && pair[1].1 == Passing::GivenAway)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_away_is_named_once() {
        use Passing::{GivenAway, Lent};
        assert!(!gives_away_twice(&mut []));
        assert!(!gives_away_twice(&mut [(1, GivenAway), (2, GivenAway)]));
        assert!(!gives_away_twice(&mut [
            (1, Lent),
            (2, GivenAway),
            (1, Lent)
        ]));
        assert!(gives_away_twice(&mut [
            (1, Lent),
            (2, Lent),
            (1, GivenAway)
        ]));
        assert!(gives_away_twice(&mut [
            (1, GivenAway),
            (2, Lent),
            (1, Lent)
        ]));
        assert!(gives_away_twice(&mut [(1, GivenAway), (1, GivenAway)]));
    }
}
