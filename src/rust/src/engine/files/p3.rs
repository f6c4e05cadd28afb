//! Of WASI 0.3.

use std::iter;
use std::pin::Pin;
use std::task::{Context, Poll};

use rustix::fs::FileType;
use tokio::sync::oneshot;
use wasmtime::component::{
    Accessor, Destination, FutureReader, LinkerInstance, Resource, StreamProducer, StreamReader,
    StreamResult,
};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystem};
use wasmtime_wasi::p3::bindings::filesystem::types::{
    DescriptorFlags, DescriptorType, DirectoryEntry, ErrorCode, HostDescriptorWithStore,
    NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p3::filesystem::FilesystemResult;

use super::listing::{Entry, Failure, Listing};
use super::{Opener, is_too_long, list};
use crate::engine::host::Host;
use crate::engine::inlet::not_yet;
use crate::engine::labels::FILES;

type Store<'a> = StoreContextMut<'a, Host>;

of_bindings!(unknown kinds are DescriptorType::Other(None));

impl From<Failure> for ErrorCode {
    fn from(failure: Failure) -> ErrorCode {
        match failure {
            Failure::Io(error) => error.into(),
            Failure::NotText => ErrorCode::IllegalByteSequence,
        }
    }
}

/// An error that is no code is a trap.
fn told<T>(result: FilesystemResult<T>) -> Result<(std::result::Result<T, ErrorCode>,)> {
    Ok((match result {
        Ok(value) => Ok(value),
        Err(error) => Err(error.downcast()?),
    },))
}

async fn open_at(
    store: &Accessor<Host, WasiFilesystem>,
    (folder, path_flags, path, open_flags, flags): Opening,
) -> FilesystemResult<Resource<Descriptor>> {
    if is_too_long(&path) {
        return Err(ErrorCode::NameTooLong.into());
    }
    let Some(opener) = store.with(|mut access| Opener::of(access.data_mut())) else {
        return Err(ErrorCode::InsufficientMemory.into());
    };
    if !opener.special_files {
        let again = Resource::new_borrow(folder.rep());
        let found = WasiFilesystem::stat_at(store, again, path_flags, path.clone()).await;
        if found.is_ok_and(|found| is_special(&found.type_)) {
            return Err(ErrorCode::NotPermitted.into());
        }
    }
    let opened =
        WasiFilesystem::open_at(store, folder, path_flags, path, open_flags, flags).await?;
    store.with(|mut access| {
        let host = access.data_mut();
        if opener.admits(&opened, host)? {
            return Ok(opened);
        }
        host.table.delete(opened)?;
        Err(ErrorCode::NotPermitted.into())
    })
}

/// How a listing ended.
type Ended = std::result::Result<(), ErrorCode>;

struct Entries {
    listing: Listing,
    ended: Option<oneshot::Sender<Ended>>,
}

impl Entries {
    fn end(&mut self, how: Ended) {
        if let Some(ended) = self.ended.take() {
            _ = ended.send(how);
        }
    }
}

impl StreamProducer<Host> for Entries {
    type Item = DirectoryEntry;
    type Buffer = Option<DirectoryEntry>;

    fn poll_produce<'a>(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut store: Store<'a>,
        mut destination: Destination<'a, Self::Item, Self::Buffer>,
        finish: bool,
    ) -> Poll<Result<StreamResult>> {
        if self.listing.poll_fill(context).is_pending() {
            return not_yet(finish);
        }
        // Who asks for nothing only wants to know whether there is something.
        if destination.remaining(&mut store) == Some(0) {
            return Poll::Ready(Ok(StreamResult::Completed));
        }
        let how = match self.listing.next() {
            Some(Ok(entry)) => {
                destination.set_buffer(Some(entry.into()));
                return Poll::Ready(Ok(StreamResult::Completed));
            }
            Some(Err(failure)) => Err(failure.into()),
            None => Ok(()),
        };
        self.end(how);
        Poll::Ready(Ok(StreamResult::Dropped))
    }
}

impl Drop for Entries {
    fn drop(&mut self) {
        self.end(Ok(()));
    }
}

type Read = (StreamReader<DirectoryEntry>, FutureReader<Ended>);

fn read_directory(mut store: Store<'_>, folder: &Resource<Descriptor>) -> Result<Read> {
    let (ended, has_ended) = oneshot::channel();
    let host = store.data_mut();
    let listing = match host.table.get(folder)? {
        Descriptor::Dir(folder) => {
            let folder = folder.dir.clone();
            list(host, folder).ok_or(ErrorCode::InsufficientMemory)
        }
        Descriptor::File(_) => Err(ErrorCode::NotDirectory),
    };
    let entries = match listing {
        Ok(listing) => {
            let ended = Some(ended);
            StreamReader::new(&mut store, Entries { listing, ended })?
        }
        Err(code) => {
            _ = ended.send(Err(code));
            StreamReader::new(&mut store, iter::empty())?
        }
    };
    Ok((entries, FutureReader::new(&mut store, has_ended)?))
}

/// Replaces functions that take paths: calls wait in the host, with theirs, until a thread is free,
/// and a guest may have thousands under way.
macro_rules! with_bounded_paths {
    (
        $types:ident:
        $(
            $name:literal is
            $function:ident($($argument:ident: $type:ty),*) of $($path:ident),+;
        )+
    ) => {$(
        $types.func_wrap_concurrent(
            concat!("[method]descriptor.", $name),
            |store: &Accessor<Host>, (folder, $($argument),*): (Resource<Descriptor>, $($type),*)| {
                Box::pin(async move {
                    if $(is_too_long(&$path))||+ {
                        return Ok((Err(ErrorCode::NameTooLong),));
                    }
                    let files = store.with_getter::<WasiFilesystem>(FILES[0]);
                    told(WasiFilesystem::$function(&files, folder, $($argument),*).await)
                })
            },
        )?;
    )+};
}

fn bound_paths(types: &mut LinkerInstance<'_, Host>) -> Result<()> {
    use NewTimestamp as Time;
    type Other = Resource<Descriptor>;
    with_bounded_paths!(types:
        "create-directory-at" is create_directory_at(path: String) of path;
        "stat-at" is stat_at(flags: PathFlags, path: String) of path;
        "set-times-at" is
        set_times_at(flags: PathFlags, path: String, accessed: Time, changed: Time) of path;
        "link-at" is link_at(flags: PathFlags, old: String, other: Other, new: String) of old, new;
        "readlink-at" is readlink_at(path: String) of path;
        "remove-directory-at" is remove_directory_at(path: String) of path;
        "rename-at" is rename_at(old: String, other: Other, new: String) of old, new;
        "symlink-at" is symlink_at(old: String, new: String) of old, new;
        "unlink-file-at" is unlink_file_at(path: String) of path;
        "metadata-hash-at" is metadata_hash_at(flags: PathFlags, path: String) of path;
    );
    Ok(())
}

pub fn replace(types: &mut LinkerInstance<'_, Host>) -> Result<()> {
    bound_paths(types)?;
    types.func_wrap_concurrent(
        "[method]descriptor.open-at",
        |store: &Accessor<Host>, opening: Opening| {
            Box::pin(async move {
                let files = store.with_getter::<WasiFilesystem>(FILES[0]);
                told(open_at(&files, opening).await)
            })
        },
    )?;
    types.func_wrap(
        "[method]descriptor.read-directory",
        |store: Store<'_>, (folder,): (Resource<Descriptor>,)| {
            Ok((read_directory(store, &folder)?,))
        },
    )
}
