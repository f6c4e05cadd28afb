//! The entries of a folder, read a piece at a time and only as fast as somebody wants them.

use std::fs::File;
use std::io;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::vec;

use rustix::fs::{AtFlags, Dir, DirEntry, FileType, statat};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn_blocking};

use super::held::Permit;

/// Entries that are read, and kept, at a time.
const PIECE: usize = 64;

/// How many one instance may have open: each has a descriptor of its own.
const MAX_OPEN: usize = 64;

pub struct Entry {
    pub kind: FileType,
    pub name: String,
}

pub enum Failure {
    Io(io::Error),
    /// A name is no UTF-8.
    NotText,
}

impl From<rustix::io::Errno> for Failure {
    fn from(error: rustix::io::Errno) -> Failure {
        Failure::Io(error.into())
    }
}

type Piece = vec::IntoIter<Result<Entry, Failure>>;

enum Rest {
    Unopened(Arc<File>),
    Open(Dir),
    Reading(AbortOnDropJoinHandle<(Piece, Rest)>),
    Over,
}

/// Counts what is open; of one instance.
#[derive(Default)]
pub struct Open(Option<Arc<()>>);

impl Open {
    fn take(&mut self) -> Option<Arc<()>> {
        let all = self.0.get_or_insert_default();
        (Arc::strong_count(all) <= MAX_OPEN).then(|| all.clone())
    }
}

pub struct Listing<P = Permit> {
    piece: Piece,
    rest: Rest,
    _place: Arc<()>,
    _permit: P,
}

impl<P> Listing<P> {
    /// None: the instance has as many as it may have.
    pub fn new(folder: Arc<File>, open: &mut Open, permit: P) -> Option<Listing<P>> {
        Some(Listing {
            piece: Vec::new().into_iter(),
            rest: Rest::Unopened(folder),
            _place: open.take()?,
            _permit: permit,
        })
    }

    /// Ready when there are entries, or there is none any more. An error is an entry, too.
    pub fn poll_fill(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while self.piece.as_slice().is_empty() {
            match &mut self.rest {
                Rest::Over => break,
                Rest::Reading(reading) => {
                    (self.piece, self.rest) = ready!(Pin::new(reading).poll(context));
                }
                Rest::Unopened(_) | Rest::Open(_) => {
                    let rest = mem::replace(&mut self.rest, Rest::Over);
                    self.rest = Rest::Reading(spawn_blocking(move || read_piece(rest)));
                }
            }
        }
        Poll::Ready(())
    }

    /// The error that comes next, if it is one.
    pub fn take_failure(&mut self) -> Option<Failure> {
        match self.piece.as_slice() {
            [Err(_), ..] => self.piece.next()?.err(),
            _ => None,
        }
    }

    /// What it was filled with.
    pub fn next(&mut self) -> Option<Result<Entry, Failure>> {
        self.piece.next()
    }
}

/// Blocks.
fn read_piece(rest: Rest) -> (Piece, Rest) {
    let mut folder = match rest {
        Rest::Open(folder) => folder,
        Rest::Unopened(folder) => match Dir::read_from(&*folder) {
            Ok(folder) => folder,
            Err(error) => return (vec![Err(error.into())].into_iter(), Rest::Over),
        },
        Rest::Reading(_) | Rest::Over => return (Vec::new().into_iter(), Rest::Over),
    };
    let mut piece = Vec::new();
    while piece.len() < PIECE {
        match folder.read() {
            Some(Ok(entry)) if is_dots(&entry) => {}
            Some(Ok(entry)) => piece.push(entry_of(&folder, &entry)),
            Some(Err(error)) => {
                piece.push(Err(error.into()));
                return (piece.into_iter(), Rest::Over);
            }
            None => return (piece.into_iter(), Rest::Over),
        }
    }
    (piece.into_iter(), Rest::Open(folder))
}

fn is_dots(entry: &DirEntry) -> bool {
    matches!(entry.file_name().to_bytes(), b"." | b"..")
}

fn entry_of(folder: &Dir, entry: &DirEntry) -> Result<Entry, Failure> {
    let name = entry.file_name();
    let kind = match entry.file_type() {
        // Some file systems do not say.
        FileType::Unknown => {
            let found = statat(folder.fd()?, name, AtFlags::SYMLINK_NOFOLLOW)?;
            FileType::from_raw_mode(found.st_mode)
        }
        known => known,
    };
    let name = name.to_str().map_err(|_| Failure::NotText)?.into();
    Ok(Entry { kind, name })
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs::{self, File};
    use std::future::poll_fn;
    use std::os::unix::ffi::OsStrExt;
    use std::path::PathBuf;
    use std::sync::Arc;

    use rustix::fs::FileType;

    use super::{Failure, Listing, MAX_OPEN, Open, PIECE};
    use crate::engine::config::runtime;

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Folder {
            let path = std::env::temp_dir().join(format!("nimbus-{name}-{}", std::process::id()));
            fs::create_dir(&path).unwrap();
            Folder(path)
        }
        fn listing(&self, open: &mut Open) -> Option<Listing<()>> {
            Listing::new(Arc::new(File::open(&self.0).unwrap()), open, ())
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    fn all_of(mut listing: Listing<()>) -> Vec<Result<(String, FileType), Failure>> {
        let mut all = Vec::new();
        runtime().block_on(async {
            loop {
                poll_fn(|context| listing.poll_fill(context)).await;
                match listing.next() {
                    Some(entry) => all.push(entry.map(|entry| (entry.name, entry.kind))),
                    None => break,
                }
            }
        });
        all
    }

    #[test]
    fn lists_more_than_a_piece_with_kinds() {
        let folder = Folder::new("pieces");
        for n in 0..2 * PIECE + 1 {
            fs::write(folder.0.join(format!("f{n}")), "").unwrap();
        }
        fs::create_dir(folder.0.join("below")).unwrap();
        std::os::unix::fs::symlink("f0", folder.0.join("link")).unwrap();
        let found = all_of(folder.listing(&mut Open::default()).unwrap());
        let mut found: Vec<_> = found.into_iter().filter_map(Result::ok).collect();
        found.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(found.len(), 2 * PIECE + 3);
        assert_eq!(found[0], ("below".into(), FileType::Directory));
        assert_eq!(found[1], ("f0".into(), FileType::RegularFile));
        assert_eq!(found.last(), Some(&("link".into(), FileType::Symlink)));
    }

    #[test]
    fn a_name_that_is_no_text_is_an_error_among_the_others() {
        let folder = Folder::new("no-text");
        fs::write(folder.0.join(OsStr::from_bytes(b"\xff")), "").unwrap();
        fs::write(folder.0.join("text"), "").unwrap();
        let found = all_of(folder.listing(&mut Open::default()).unwrap());
        assert_eq!(found.len(), 2);
        assert!(
            found
                .iter()
                .any(|entry| matches!(entry, Err(Failure::NotText)))
        );
    }

    #[test]
    fn what_is_no_folder_is_one_error() {
        let folder = Folder::new("no-folder");
        fs::write(folder.0.join("file"), "").unwrap();
        let file = Arc::new(File::open(folder.0.join("file")).unwrap());
        let found = all_of(Listing::new(file, &mut Open::default(), ()).unwrap());
        assert!(matches!(&found[..], [Err(Failure::Io(_))]));
    }

    #[test]
    fn an_instance_has_only_so_many_open() {
        let folder = Folder::new("many");
        let mut open = Open::default();
        let mut all: Vec<_> = (0..MAX_OPEN)
            .map(|_| folder.listing(&mut open).unwrap())
            .collect();
        assert!(folder.listing(&mut open).is_none());
        all.pop();
        assert!(folder.listing(&mut open).is_some());
    }
}
