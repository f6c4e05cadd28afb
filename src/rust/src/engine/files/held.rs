//! What an instance has open. Each file or folder that it opened, and each listing, has a
//! descriptor of the process, which counts as its component's and the host's.

use std::collections::HashMap;
use std::fs::File;
use std::sync::{Arc, Weak};

use super::listing::{self, Listing};
use crate::engine::context::Shared;

/// The right to one descriptor; given back when dropped.
pub struct Permit(Arc<Shared>);

impl Permit {
    /// None: there are as many as there may be.
    pub fn take(context: &Arc<Shared>) -> Option<Permit> {
        context.file_opened().then(|| Permit(context.clone()))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.file_closed();
    }
}

struct Counted<P> {
    file: Weak<File>,
    _permit: P,
}

impl<P> Counted<P> {
    fn is_open(&self) -> bool {
        self.file.strong_count() > 0
    }
}

/// Of one instance.
pub struct Held<P = Permit> {
    listings: listing::Open,
    /// By their places in the table.
    files: HashMap<u32, Counted<P>>,
    /// The guest has closed them, but streams or calls still had them when that was looked at last.
    closed: Vec<Counted<P>>,
}

impl<P> Default for Held<P> {
    fn default() -> Held<P> {
        Held {
            listings: listing::Open::default(),
            files: HashMap::new(),
            closed: Vec::new(),
        }
    }
}

impl<P> Held<P> {
    /// What was opened is now at that place in the table.
    pub fn keep(&mut self, place: u32, file: &Arc<File>, permit: P) {
        let counted = Counted {
            file: Arc::downgrade(file),
            _permit: permit,
        };
        self.files.insert(place, counted);
    }

    /// The table has nothing there any more.
    pub fn close(&mut self, place: u32) {
        self.look_again();
        let closed = self.files.remove(&place);
        self.closed.extend(closed.filter(Counted::is_open));
    }

    /// Gives back what streams and calls have left.
    pub fn look_again(&mut self) {
        self.closed.retain(Counted::is_open);
    }

    /// None: the instance has as many as it may have.
    pub fn list(&mut self, folder: Arc<File>, permit: P) -> Option<Listing<P>> {
        Listing::new(folder, &mut self.listings, permit)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::sync::Arc;

    use super::Held;

    /// The permits that are taken are its other references.
    #[derive(Default)]
    struct Quota(Arc<()>);

    impl Quota {
        fn taken(&self) -> usize {
            Arc::strong_count(&self.0) - 1
        }
    }

    fn open(held: &mut Held<Arc<()>>, place: u32, quota: &Quota) -> Arc<File> {
        let file = Arc::new(File::open("/").unwrap());
        held.keep(place, &file, quota.0.clone());
        file
    }

    #[test]
    fn a_file_counts_until_it_is_closed() {
        let (quota, mut held) = (Quota::default(), Held::default());
        let (one, other) = (open(&mut held, 1, &quota), open(&mut held, 2, &quota));
        assert_eq!(quota.taken(), 2);
        drop(one);
        held.close(1);
        assert_eq!(quota.taken(), 1);
        drop(other);
        held.close(2);
        assert_eq!(quota.taken(), 0);
    }

    #[test]
    fn what_was_never_counted_may_be_closed() {
        let (quota, mut held) = (Quota::default(), Held::default());
        let _file = open(&mut held, 1, &quota);
        held.close(7);
        assert_eq!(quota.taken(), 1);
    }

    #[test]
    fn a_closed_file_counts_as_long_as_a_stream_has_it() {
        let (quota, mut held) = (Quota::default(), Held::default());
        let stream = open(&mut held, 1, &quota);
        held.close(1);
        let again = open(&mut held, 1, &quota); // the table uses its places again
        held.look_again();
        assert_eq!(quota.taken(), 2);
        drop(stream);
        held.look_again();
        assert_eq!(quota.taken(), 1);
        drop(again);
        held.close(1);
        assert_eq!(quota.taken(), 0);
    }

    #[test]
    fn an_instance_that_goes_gives_everything_back() {
        let (quota, mut held) = (Quota::default(), Held::default());
        let _stream = open(&mut held, 1, &quota);
        held.close(1);
        let _file = open(&mut held, 2, &quota);
        let folder = Arc::new(File::open("/").unwrap());
        let listing = held.list(folder, quota.0.clone());
        assert_eq!(quota.taken(), 3);
        drop(listing);
        drop(held);
        assert_eq!(quota.taken(), 0);
    }
}
