//! `/fs?op=preopens|read|write|append|list|stat|mkdir|rename|unlink&path=/mount/file&text=…&to=…`
//! and `/fs?op=fill&path=…&mb=…&before=…&after=…&unlink=1&below=…`, `/fs?op=dig&path=…&n=…`,
//! `/fs?op=listings&path=…&n=…`, `/fs?op=hold&path=…&n=…&streams=1&ms=…`

use guest_support::{Query, json_string};
use wasip2::clocks::monotonic_clock;
use wasip2::filesystem::preopens;
use wasip2::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};
use wasip2::http::types::ResponseOutparam;

use crate::reply::{json, text};

pub fn answer(out: ResponseOutparam, query: &Query) {
    if query.text("op") == Some("preopens") {
        let names: Vec<String> = preopens::get_directories()
            .iter()
            .map(|(_, name)| json_string(name))
            .collect();
        return json(out, &format!("[{}]", names.join(",")));
    }
    match run(query) {
        Ok(answer) => text(out, 200, &answer),
        Err(error) => text(out, 500, &format!("{}\n", error.name())),
    }
}

fn run(query: &Query) -> Result<String, ErrorCode> {
    let (folder, path) = preopened(query.text("path").unwrap_or_default())?;
    let content = query.text("text").unwrap_or_default().as_bytes();
    match query.text("op").unwrap_or("read") {
        "read" => read(&folder, &path),
        "write" => {
            let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE;
            let file = folder.open_at(FOLLOW, &path, flags, DescriptorFlags::WRITE)?;
            Ok(format!("{} bytes\n", write_all(&file, content, 0)?))
        }
        "append" => {
            let file = folder.open_at(FOLLOW, &path, OpenFlags::CREATE, DescriptorFlags::WRITE)?;
            let end = file.stat()?.size;
            Ok(format!("{} bytes\n", write_all(&file, content, end)?))
        }
        "list" => list(&folder, &path),
        "stat" => {
            let stat = folder.stat_at(FOLLOW, &path)?;
            Ok(format!("{} {}\n", kind(stat.type_), stat.size))
        }
        "mkdir" => folder.create_directory_at(&path).map(|()| "made\n".into()),
        "rename" => {
            let (to_folder, to) = preopened(query.text("to").unwrap_or_default())?;
            folder
                .rename_at(&path, &to_folder, &to)
                .map(|()| "renamed\n".into())
        }
        "fill" => fill(folder, &path, query),
        "dig" => dig(folder, query.number("n", 1), "d").map(|_| "dug\n".into()),
        "listings" => listings(&folder, &path, query.number("n", 1)),
        "hold" => hold(&folder, &path, query),
        "unlink" => folder.unlink_file_at(&path).map(|()| "gone\n".into()),
        _ => Err(ErrorCode::Unsupported),
    }
}

const FOLLOW: PathFlags = PathFlags::SYMLINK_FOLLOW;

/// The preopened folder with the longest name that leads to `path`, and what is left of the path.
fn preopened(path: &str) -> Result<(Descriptor, String), ErrorCode> {
    preopens::get_directories()
        .into_iter()
        .filter_map(|(folder, name)| {
            let rest = path.strip_prefix(name.trim_end_matches('/'))?;
            (rest.is_empty() || rest.starts_with('/'))
                .then(|| (name.len(), folder, rest.to_string()))
        })
        .max_by_key(|candidate| candidate.0)
        .map(|(_, folder, rest)| {
            let relative = rest.trim_start_matches('/');
            (
                folder,
                if relative.is_empty() {
                    ".".into()
                } else {
                    relative.into()
                },
            )
        })
        .ok_or(ErrorCode::NoEntry)
}

fn read(folder: &Descriptor, path: &str) -> Result<String, ErrorCode> {
    let file = folder.open_at(FOLLOW, path, OpenFlags::empty(), DescriptorFlags::READ)?;
    let mut content = Vec::new();
    loop {
        let (bytes, at_end) = file.read(64 * 1024, content.len() as u64)?;
        let nothing = bytes.is_empty();
        content.extend(bytes);
        if at_end || nothing {
            return Ok(String::from_utf8_lossy(&content).into_owned());
        }
    }
}

fn write_all(file: &Descriptor, content: &[u8], offset: u64) -> Result<usize, ErrorCode> {
    let mut written = 0;
    while written < content.len() {
        written += file.write(&content[written..], offset + written as u64)? as usize;
    }
    Ok(written)
}

/// Writes `mb` MiB and waits `before` and `after` that, in milliseconds; with `unlink=1` into a
/// file that has no name any more, with `below` below so many folders with long names.
fn fill(top: Descriptor, path: &str, query: &Query) -> Result<String, ErrorCode> {
    let folder = dig(top, query.number("below", 0), &"d".repeat(200))?;
    let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE;
    let file = folder.open_at(FOLLOW, path, flags, DescriptorFlags::WRITE)?;
    if query.number("unlink", 0) == 1 {
        folder.unlink_file_at(path)?;
    }
    let content = vec![b'x'; 1024 * 1024];
    wait(query.number("before", 0));
    for index in 0..query.number("mb", 1) {
        write_all(&file, &content, index * content.len() as u64)?;
    }
    wait(query.number("after", 0));
    Ok("full\n".into())
}

fn wait(milliseconds: u64) {
    monotonic_clock::subscribe_duration(milliseconds * 1_000_000).block();
}

/// Makes `n` folders in one another, far below what a path could name.
fn dig(top: Descriptor, n: u64, name: &str) -> Result<Descriptor, ErrorCode> {
    let mut folder = top;
    for _ in 0..n {
        folder.create_directory_at(name)?;
        let flags = DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY;
        folder = folder.open_at(FOLLOW, name, OpenFlags::DIRECTORY, flags)?;
    }
    Ok(folder)
}

/// Begins to list the folder `n` times.
fn listings(folder: &Descriptor, path: &str, n: u64) -> Result<String, ErrorCode> {
    let folder = folder.open_at(FOLLOW, path, OpenFlags::DIRECTORY, DescriptorFlags::READ)?;
    let begun: Result<Vec<_>, _> = (0..n).map(|_| folder.read_directory()).collect();
    Ok(format!("{}\n", begun?.len()))
}

/// Opens the file `n` times and waits `ms` with that; with `streams=1` only streams of it are left
/// by then.
fn hold(folder: &Descriptor, path: &str, query: &Query) -> Result<String, ErrorCode> {
    let (mut files, mut streams) = (Vec::new(), Vec::new());
    for _ in 0..query.number("n", 1) {
        let file = folder.open_at(FOLLOW, path, OpenFlags::empty(), DescriptorFlags::READ)?;
        match query.number("streams", 0) {
            0 => files.push(file),
            _ => streams.push(file.read_via_stream(0)?),
        }
    }
    wait(query.number("ms", 0));
    Ok(format!("{}\n", files.len() + streams.len()))
}

fn list(folder: &Descriptor, path: &str) -> Result<String, ErrorCode> {
    let folder = folder.open_at(FOLLOW, path, OpenFlags::DIRECTORY, DescriptorFlags::READ)?;
    let entries = folder.read_directory()?;
    let mut lines = Vec::new();
    while let Some(entry) = entries.read_directory_entry()? {
        lines.push(format!("{} {}\n", kind(entry.type_), entry.name));
    }
    lines.sort();
    Ok(lines.concat())
}

fn kind(kind: DescriptorType) -> &'static str {
    match kind {
        DescriptorType::Directory => "folder",
        DescriptorType::RegularFile => "file",
        DescriptorType::SymbolicLink => "link",
        _ => "other",
    }
}
