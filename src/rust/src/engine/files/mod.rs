//! `wasi:filesystem`, where wasmtime-wasi's own costs the host more than one guest may: folders are
//! read a piece at a time, nothing is opened that may block for good, what is open is counted, it
//! is known who opened a file, and calls that wait have no endless paths.

use std::fs::File;
use std::sync::Arc;

use wasmtime::component::{Linker, LinkerInstance, Resource, ResourceTableError, ResourceType};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::filesystem::Descriptor;

use super::host::Host;

/// What the bindings of both WASI versions have by the same names.
macro_rules! of_bindings {
    (unknown kinds are $unknown:expr) => {
        type Opening = (
            Resource<Descriptor>,
            PathFlags,
            String,
            OpenFlags,
            DescriptorFlags,
        );

        impl From<Entry> for DirectoryEntry {
            fn from(entry: Entry) -> DirectoryEntry {
                DirectoryEntry {
                    type_: match entry.kind {
                        FileType::RegularFile => DescriptorType::RegularFile,
                        FileType::Directory => DescriptorType::Directory,
                        FileType::Symlink => DescriptorType::SymbolicLink,
                        FileType::Fifo => DescriptorType::Fifo,
                        FileType::Socket => DescriptorType::Socket,
                        FileType::CharacterDevice => DescriptorType::CharacterDevice,
                        FileType::BlockDevice => DescriptorType::BlockDevice,
                        FileType::Unknown => $unknown,
                    },
                    name: entry.name,
                }
            }
        }

        fn is_special(kind: &DescriptorType) -> bool {
            use DescriptorType::{Directory, RegularFile, SymbolicLink};
            !matches!(kind, Directory | RegularFile | SymbolicLink)
        }
    };
}

mod held;
mod listing;
mod opened;
mod p2;
mod p3;

pub use held::Held as OpenFiles;
pub use opened::Volumes;

use held::Permit;
use listing::Listing;

/// Linux takes none of that length (PATH_MAX).
const MAX_PATH_BYTES: usize = 4096;

fn is_too_long(path: &str) -> bool {
    path.len() >= MAX_PATH_BYTES
}

/// The right to open one more file or folder. None: there are as many open as there may be.
fn permit(host: &mut Host) -> Option<Permit> {
    host.files.look_again();
    Permit::take(host.context_of(0))
}

/// What a guest may open, and who it is.
struct Opener {
    permit: Permit,
    /// Programs that a user runs may open what the user may: a terminal, a pipe.
    special_files: bool,
    volumes: Vec<Volumes>,
}

impl Opener {
    /// None: nothing more may be opened.
    fn of(host: &mut Host) -> Option<Opener> {
        Some(Opener {
            permit: permit(host)?,
            special_files: host.context_of(0).has_terminal(),
            volumes: host.volumes(),
        })
    }

    /// Whether it may have what was opened, which then counts until it is closed. Of a file it is
    /// remembered who opened it.
    fn admits(
        self,
        opened: &Resource<Descriptor>,
        host: &mut Host,
    ) -> std::result::Result<bool, ResourceTableError> {
        use std::os::fd::AsRawFd;
        let file = match host.table.get(opened)? {
            Descriptor::Dir(folder) => &folder.dir,
            Descriptor::File(file) => {
                if !self.special_files && !file.file.metadata().is_ok_and(|found| found.is_file()) {
                    return Ok(false);
                }
                opened::remember(file.file.as_raw_fd(), self.volumes);
                &file.file
            }
        };
        host.files.keep(opened.rep(), file, self.permit);
        Ok(true)
    }
}

/// None: there are as many as there may be.
fn list(host: &mut Host, folder: Arc<File>) -> Option<Listing> {
    let permit = permit(host)?;
    host.files.list(folder, permit)
}

/// So that it is known when a guest closes something.
fn replace_descriptor(types: &mut LinkerInstance<'_, Host>) -> Result<()> {
    types.resource(
        "descriptor",
        ResourceType::host::<Descriptor>(),
        |mut store: StoreContextMut<'_, Host>, rep| {
            let host = store.data_mut();
            host.table.delete(Resource::<Descriptor>::new_own(rep))?;
            host.files.close(rep);
            Ok(())
        },
    )
}

/// Replaces some functions of what wasmtime-wasi has put into the linker.
pub fn add_to_linker(linker: &mut Linker<Host>, concurrency: bool) -> Result<()> {
    linker.allow_shadowing(true);
    let mut types = linker.instance("wasi:filesystem/types@0.2.12")?;
    replace_descriptor(&mut types)?;
    p2::replace(&mut types)?;
    if concurrency {
        let mut types = linker.instance("wasi:filesystem/types@0.3.0")?;
        replace_descriptor(&mut types)?;
        p3::replace(&mut types)?;
    }
    linker.allow_shadowing(false);
    Ok(())
}
