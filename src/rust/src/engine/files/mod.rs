//! `wasi:filesystem`, where wasmtime-wasi's own costs the host more than one guest may: folders are
//! read a piece at a time, nothing is opened that may block for good, it is known who opened a
//! file, and calls that wait have no endless paths.

use wasmtime::Result;
use wasmtime::component::Linker;
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

mod listing;
mod opened;
mod p2;
mod p3;

pub use listing::Open as OpenListings;
pub use opened::Volumes;

/// Linux takes none of that length (PATH_MAX).
const MAX_PATH_BYTES: usize = 4096;

fn is_too_long(path: &str) -> bool {
    path.len() >= MAX_PATH_BYTES
}

/// What a guest may open, and who it is.
struct Opener {
    /// Programs that a user runs may open what the user may: a terminal, a pipe.
    special_files: bool,
    volumes: Vec<Volumes>,
}

impl Opener {
    fn of(host: &mut Host) -> Opener {
        Opener {
            special_files: host.context_of(0).has_terminal(),
            volumes: host.volumes(),
        }
    }

    /// Whether it may have what was opened. Of a file it is remembered.
    fn admits(self, opened: &Descriptor) -> bool {
        use std::os::fd::AsRawFd;
        let Descriptor::File(file) = opened else {
            return true;
        };
        if !self.special_files && !file.file.metadata().is_ok_and(|found| found.is_file()) {
            return false;
        }
        opened::remember(file.file.as_raw_fd(), self.volumes);
        true
    }
}

/// Replaces some functions of what wasmtime-wasi has put into the linker.
pub fn add_to_linker(linker: &mut Linker<Host>, concurrency: bool) -> Result<()> {
    linker.allow_shadowing(true);
    p2::replace(&mut linker.instance("wasi:filesystem/types@0.2.12")?)?;
    if concurrency {
        p3::replace(&mut linker.instance("wasi:filesystem/types@0.3.0")?)?;
    }
    linker.allow_shadowing(false);
    Ok(())
}
