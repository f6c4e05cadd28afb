//! Files below the folders that the host opened for this command.

use wasip3::filesystem::preopens;
use wasip3::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};
use wasip3::wit_bindgen::{FutureReader, StreamReader};
use wasip3::wit_stream;

const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;

pub fn folders() -> Vec<String> {
    preopens::get_directories()
        .into_iter()
        .map(|(_, name)| name)
        .collect()
}

pub async fn list(path: &str) -> Result<Vec<String>, String> {
    let (folder, relative) = locate(path)?;
    let named = |error| describe(path, error);
    let folder = folder
        .open_at(
            FOLLOW,
            relative,
            OpenFlags::DIRECTORY,
            DescriptorFlags::READ,
        )
        .await
        .map_err(named)?;
    let (entries, read) = folder.read_directory();
    let mut names: Vec<String> = entries
        .collect()
        .await
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    read.await.map_err(named)?;
    names.sort();
    Ok(names)
}

type Content = (StreamReader<u8>, FutureReader<Result<(), ErrorCode>>);

pub async fn read(path: &str) -> Result<Content, String> {
    let (folder, relative) = locate(path)?;
    let file = folder
        .open_at(FOLLOW, relative, OpenFlags::empty(), DescriptorFlags::READ)
        .await
        .map_err(|error| describe(path, error))?;
    Ok(file.read_via_stream(0))
}

pub async fn write(path: &str, content: &[u8]) -> Result<(), String> {
    let (folder, relative) = locate(path)?;
    let named = |error| describe(path, error);
    let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let file = folder
        .open_at(FOLLOW, relative, flags, DescriptorFlags::WRITE)
        .await
        .map_err(named)?;
    let (mut writer, stream) = wit_stream::new();
    let written = file.write_via_stream(stream, 0);
    writer.write_all(content.to_vec()).await;
    drop(writer); // the end of the stream
    written.await.map_err(named)
}

pub async fn remove(path: &str) -> Result<(), String> {
    let (folder, relative) = locate(path)?;
    folder
        .unlink_file_at(relative)
        .await
        .map_err(|error| describe(path, error))
}

/// The opened folder with the longest name that leads to `path`, and what is left of the path.
fn locate(path: &str) -> Result<(Descriptor, String), String> {
    preopens::get_directories()
        .into_iter()
        .filter_map(|(folder, name)| {
            let relative = below(path, &name)?.to_string();
            Some((name.len(), folder, relative))
        })
        .max_by_key(|candidate| candidate.0)
        .map(|(_, folder, relative)| (folder, relative))
        .ok_or_else(|| format!("{path}: in none of the folders given"))
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

fn describe(path: &str, error: ErrorCode) -> String {
    format!("{path}: {error:?}")
}
