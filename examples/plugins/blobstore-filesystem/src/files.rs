//! Files below the last folder that the plugin sees.

use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorStat, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};
use wasip2::random::random::get_random_u64;

const PIECE_BYTES: u64 = 64 * 1024;
const MAX_NAME_BYTES: usize = 240;

pub fn failed(what: &str, error: ErrorCode) -> String {
    format!("{what}: {error:?}")
}

pub fn root() -> Result<Descriptor, String> {
    let folder = get_directories().pop();
    folder.map(|(folder, _)| folder).ok_or("there is no folder for blobs".into())
}

/// A name as that of a file: never a path, never hidden.
pub fn encoded(name: &str) -> Result<String, String> {
    let mut text = String::new();
    for (index, byte) in name.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => text.push(byte.into()),
            b'.' if index > 0 => text.push('.'),
            _ => text.push_str(&format!("%{byte:02x}")),
        }
    }
    match text.len() {
        1..=MAX_NAME_BYTES => Ok(text),
        _ => Err("the name is empty or too long".into()),
    }
}

/// What encoded() made; nothing of a file that is no object.
pub fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    if rest.first() == Some(&b'.') {
        return None;
    }
    while let Some((&first, behind)) = rest.split_first() {
        rest = behind;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = &rest[2..];
    }
    String::from_utf8(bytes).ok()
}

pub fn make_folder(name: &str) -> Result<(), String> {
    match root()?.create_directory_at(name) {
        Ok(()) | Err(ErrorCode::Exist) => Ok(()),
        Err(error) => Err(failed(name, error)),
    }
}

pub fn remove_folder(name: &str) -> Result<(), String> {
    root()?.remove_directory_at(name).map_err(|error| failed(name, error))
}

pub fn remove(path: &str) -> Result<(), String> {
    match root()?.unlink_file_at(path) {
        Ok(()) | Err(ErrorCode::NoEntry) => Ok(()),
        Err(error) => Err(failed(path, error)),
    }
}

pub fn rename(from: &str, to: &str) -> Result<(), String> {
    let root = root()?;
    root.rename_at(from, &root, to).map_err(|error| failed(from, error))
}

/// Nothing if it is not there.
pub fn stat(path: &str) -> Result<Option<DescriptorStat>, String> {
    match root()?.stat_at(PathFlags::empty(), path) {
        Ok(stat) => Ok(Some(stat)),
        Err(ErrorCode::NoEntry) => Ok(None),
        Err(error) => Err(failed(path, error)),
    }
}

pub fn open(path: &str) -> Result<Descriptor, String> {
    root()?
        .open_at(PathFlags::empty(), path, OpenFlags::empty(), DescriptorFlags::READ)
        .map_err(|error| failed(path, error))
}

/// The files in a folder, by their names.
pub fn names_in(folder: &str) -> Result<Vec<String>, String> {
    let flags = DescriptorFlags::READ;
    let folder = root()?
        .open_at(PathFlags::empty(), folder, OpenFlags::DIRECTORY, flags)
        .map_err(|error| failed(folder, error))?;
    let entries = folder.read_directory().map_err(|error| failed("the folder", error))?;
    let mut names = Vec::new();
    while let Some(entry) =
        entries.read_directory_entry().map_err(|error| failed("the folder", error))?
    {
        if entry.type_ == DescriptorType::RegularFile {
            names.extend(decoded(&entry.name));
        }
    }
    names.sort();
    Ok(names)
}

/// Copies from `start` at most `bytes`.
pub fn copy(from: &Descriptor, to: &Descriptor, start: u64, bytes: u64) -> Result<(), String> {
    let mut copied = 0;
    while copied < bytes {
        let wanted = PIECE_BYTES.min(bytes - copied);
        let (piece, end) =
            from.read(wanted, start + copied).map_err(|error| failed("reading", error))?;
        let mut written = 0;
        while written < piece.len() {
            let at = copied + written as u64;
            written +=
                to.write(&piece[written..], at).map_err(|error| failed("writing", error))? as usize;
        }
        copied += piece.len() as u64;
        if end || piece.is_empty() {
            break;
        }
    }
    Ok(())
}

/// A file that is not an object yet; goes with this unless it becomes one.
pub struct Partial {
    pub file: Descriptor,
    path: String,
}

impl Partial {
    pub fn create() -> Result<Partial, String> {
        let path = format!(".{:016x}.partial", get_random_u64());
        let flags = OpenFlags::CREATE | OpenFlags::EXCLUSIVE;
        let file = root()?
            .open_at(
                PathFlags::empty(),
                &path,
                flags,
                DescriptorFlags::READ | DescriptorFlags::WRITE,
            )
            .map_err(|error| failed(&path, error))?;
        Ok(Partial { file, path })
    }

    pub fn become_file(self, path: &str) -> Result<(), String> {
        rename(&self.path, path)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        let _ = remove(&self.path);
    }
}
