//! Of WASI 0.2.

use std::future::poll_fn;

use rustix::fs::FileType;
use wasmtime::component::{LinkerInstance, Resource, ResourceType};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorFlags, DescriptorType, DirectoryEntry, DirectoryEntryStream, ErrorCode,
    HostDescriptor, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{FsError, FsResult};

use super::listing::{Entry, Failure, Listing};
use super::{Opener, is_too_long, list};
use crate::engine::host::Host;
use crate::engine::labels::FILES;
use crate::engine::sockets::entry;

type Store<'a> = StoreContextMut<'a, Host>;

of_bindings!(unknown kinds are DescriptorType::Unknown);

/// An error that is no code is a trap.
fn told<T>(result: FsResult<T>) -> Result<(std::result::Result<T, ErrorCode>,)> {
    Ok((match result {
        Ok(value) => Ok(value),
        Err(error) => Err(error.downcast()?),
    },))
}

impl From<Failure> for FsError {
    fn from(failure: Failure) -> FsError {
        match failure {
            Failure::Io(error) => error.into(),
            Failure::NotText => ErrorCode::IllegalByteSequence.into(),
        }
    }
}

async fn open_at(
    store: &mut Store<'_>,
    (folder, path_flags, path, open_flags, flags): Opening,
) -> FsResult<Resource<Descriptor>> {
    if is_too_long(&path) {
        return Err(ErrorCode::NameTooLong.into());
    }
    let host = store.data_mut();
    let Some(opener) = Opener::of(host) else {
        return Err(ErrorCode::InsufficientMemory.into());
    };
    let mut files = FILES[0](host);
    if !opener.special_files {
        let again = Resource::new_borrow(folder.rep());
        let found = files.stat_at(again, path_flags, path.clone()).await;
        if found.is_ok_and(|found| is_special(&found.type_)) {
            return Err(ErrorCode::NotPermitted.into());
        }
    }
    let opened = files
        .open_at(folder, path_flags, path, open_flags, flags)
        .await?;
    if opener.admits(&opened, host)? {
        return Ok(opened);
    }
    host.table.delete(opened)?;
    Err(ErrorCode::NotPermitted.into())
}

type Stream = Resource<DirectoryEntryStream>;

async fn read_directory(store: &mut Store<'_>, folder: Resource<Descriptor>) -> FsResult<Stream> {
    let host = store.data_mut();
    let folder = match host.table.get(&folder)? {
        Descriptor::Dir(folder) => folder.dir.clone(),
        Descriptor::File(_) => return Err(ErrorCode::NotDirectory.into()),
    };
    let Some(mut listing) = list(host, folder) else {
        return Err(ErrorCode::InsufficientMemory.into());
    };
    poll_fn(|context| listing.poll_fill(context)).await;
    if let Some(failure) = listing.take_failure() {
        return Err(failure.into());
    }
    Ok(entry(&host.table.push(listing)?))
}

async fn read_entry(store: &mut Store<'_>, stream: Stream) -> FsResult<Option<DirectoryEntry>> {
    let listing = store
        .data_mut()
        .table
        .get_mut(&entry::<_, Listing>(&stream))?;
    poll_fn(|context| listing.poll_fill(context)).await;
    Ok(listing.next().transpose()?.map(Into::into))
}

pub fn replace(types: &mut LinkerInstance<'_, Host>) -> Result<()> {
    types.func_wrap_async(
        "[method]descriptor.open-at",
        |mut store: Store<'_>, opening: Opening| {
            Box::new(async move { told(open_at(&mut store, opening).await) })
        },
    )?;
    types.func_wrap_async(
        "[method]descriptor.read-directory",
        |mut store: Store<'_>, (folder,): (Resource<Descriptor>,)| {
            Box::new(async move { told(read_directory(&mut store, folder).await) })
        },
    )?;
    types.resource(
        "directory-entry-stream",
        ResourceType::host::<DirectoryEntryStream>(),
        |mut store: Store<'_>, rep| {
            let listing = Resource::<Listing>::new_own(rep);
            store.data_mut().table.delete(listing)?;
            Ok(())
        },
    )?;
    types.func_wrap_async(
        "[method]directory-entry-stream.read-directory-entry",
        |mut store: Store<'_>, (stream,): (Stream,)| {
            Box::new(async move { told(read_entry(&mut store, stream).await) })
        },
    )
}
