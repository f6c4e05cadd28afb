//! Files below the folders that the host opened for this command.

use wasip2::filesystem::preopens;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};

const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;

pub fn folders() -> Vec<String> {
    preopens::get_directories()
        .into_iter()
        .map(|(_, name)| name)
        .collect()
}

pub fn list(path: &str) -> Result<Vec<String>, String> {
    within(path, |folder, relative| {
        let folder = folder.open_at(
            FOLLOW,
            relative,
            OpenFlags::DIRECTORY,
            DescriptorFlags::READ,
        )?;
        let entries = folder.read_directory()?;
        let mut names = Vec::new();
        while let Some(entry) = entries.read_directory_entry()? {
            names.push(entry.name);
        }
        names.sort();
        Ok(names)
    })
}

pub fn read(path: &str) -> Result<Vec<u8>, String> {
    within(path, |folder, relative| {
        let file = folder.open_at(FOLLOW, relative, OpenFlags::empty(), DescriptorFlags::READ)?;
        let mut content = Vec::new();
        loop {
            let (bytes, at_end) = file.read(64 * 1024, content.len() as u64)?;
            let nothing = bytes.is_empty();
            content.extend(bytes);
            if at_end || nothing {
                return Ok(content);
            }
        }
    })
}

pub fn write(path: &str, content: &[u8]) -> Result<(), String> {
    within(path, |folder, relative| {
        let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let file = folder.open_at(FOLLOW, relative, flags, DescriptorFlags::WRITE)?;
        let mut written = 0;
        while written < content.len() {
            written += file.write(&content[written..], written as u64)? as usize;
        }
        Ok(())
    })
}

pub fn remove(path: &str) -> Result<(), String> {
    within(path, |folder, relative| folder.unlink_file_at(relative))
}

/// Runs `action` with the opened folder with the longest name that leads to `path`, and what is
/// left of the path.
fn within<T>(
    path: &str,
    action: impl FnOnce(&Descriptor, &str) -> Result<T, ErrorCode>,
) -> Result<T, String> {
    let folders = preopens::get_directories();
    let (_, folder, relative) = folders
        .iter()
        .filter_map(|(folder, name)| Some((name.len(), folder, below(path, name)?)))
        .max_by_key(|candidate| candidate.0)
        .ok_or_else(|| format!("{path}: in none of the folders given"))?;
    action(folder, relative).map_err(|error| format!("{path}: {}", error.message()))
}

/// `path` relative to the folder `name`. A folder named `.` holds all relative paths.
fn below<'a>(path: &'a str, name: &str) -> Option<&'a str> {
    let rest = match name {
        "." if !path.starts_with('/') => path,
        _ => path.strip_prefix(name.trim_end_matches('/'))?,
    };
    let separate = name == "." || rest.is_empty() || rest.starts_with('/');
    let relative = rest.trim_start_matches('/');
    separate.then_some(if relative.is_empty() { "." } else { relative })
}
