//! `/fs?op=preopens|read|write|append|list|stat|mkdir|rename|unlink&path=/mount/file&text=…&to=…`
//! and `/fs?op=hold&path=…&n=…&streams=1&ms=…`

use guest_support::{Query, json_string, wit_name};
use wasip3::clocks::monotonic_clock;
use wasip3::filesystem::preopens;
use wasip3::filesystem::types::{
    Descriptor, DescriptorFlags, DescriptorType, ErrorCode, OpenFlags, PathFlags,
};
use wasip3::http::types::Response;
use wasip3::wit_stream;

use crate::reply::{json, text};

pub async fn answer(query: &Query) -> Response {
    if query.text("op") == Some("preopens") {
        let names: Vec<String> = preopens::get_directories()
            .iter()
            .map(|(_, name)| json_string(name))
            .collect();
        return json(&format!("[{}]", names.join(",")));
    }
    match run(query).await {
        Ok(answer) => text(200, &answer),
        Err(error) => text(500, &format!("{}\n", wit_name(&error))),
    }
}

async fn run(query: &Query) -> Result<String, ErrorCode> {
    let (folder, path) = preopened(query.text("path").unwrap_or_default())?;
    let content = query.text("text").unwrap_or_default().as_bytes();
    match query.text("op").unwrap_or("read") {
        "read" => read(&folder, path).await,
        "write" => {
            let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE;
            let file = folder
                .open_at(FOLLOW, path, flags, DescriptorFlags::WRITE)
                .await?;
            write_all(&file, content, 0).await
        }
        "append" => {
            let flags = OpenFlags::CREATE;
            let file = folder
                .open_at(FOLLOW, path, flags, DescriptorFlags::WRITE)
                .await?;
            let end = file.stat().await?.size;
            write_all(&file, content, end).await
        }
        "list" => list(&folder, path).await,
        "hold" => hold(&folder, &path, query).await,
        "stat" => {
            let stat = folder.stat_at(FOLLOW, path).await?;
            Ok(format!("{} {}\n", kind(&stat.type_), stat.size))
        }
        "mkdir" => folder
            .create_directory_at(path)
            .await
            .map(|()| "made\n".into()),
        "rename" => {
            let (to_folder, to) = preopened(query.text("to").unwrap_or_default())?;
            folder
                .rename_at(path, &to_folder, to)
                .await
                .map(|()| "renamed\n".into())
        }
        "unlink" => folder.unlink_file_at(path).await.map(|()| "gone\n".into()),
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

async fn read(folder: &Descriptor, path: String) -> Result<String, ErrorCode> {
    let file = folder
        .open_at(FOLLOW, path, OpenFlags::empty(), DescriptorFlags::READ)
        .await?;
    let (stream, end) = file.read_via_stream(0);
    let content = stream.collect().await;
    end.await?;
    Ok(String::from_utf8_lossy(&content).into_owned())
}

async fn write_all(file: &Descriptor, content: &[u8], offset: u64) -> Result<String, ErrorCode> {
    let (mut writer, stream) = wit_stream::new();
    let written = file.write_via_stream(stream, offset);
    writer.write_all(content.to_vec()).await;
    drop(writer); // the end of the stream
    written.await?;
    Ok(format!("{} bytes\n", content.len()))
}

/// Opens the file `n` times and waits `ms` with that; with `streams=1` only streams of it are left
/// by then.
async fn hold(folder: &Descriptor, path: &str, query: &Query) -> Result<String, ErrorCode> {
    let (mut files, mut streams) = (Vec::new(), Vec::new());
    for _ in 0..query.number("n", 1) {
        let file = folder
            .open_at(
                FOLLOW,
                path.into(),
                OpenFlags::empty(),
                DescriptorFlags::READ,
            )
            .await?;
        match query.number("streams", 0) {
            0 => files.push(file),
            _ => streams.push(file.read_via_stream(0)),
        }
    }
    monotonic_clock::wait_for(query.number("ms", 0) * 1_000_000).await;
    Ok(format!("{}\n", files.len() + streams.len()))
}

async fn list(folder: &Descriptor, path: String) -> Result<String, ErrorCode> {
    let folder = folder
        .open_at(FOLLOW, path, OpenFlags::DIRECTORY, DescriptorFlags::READ)
        .await?;
    let (entries, end) = folder.read_directory();
    let entries = entries.collect().await;
    end.await?;
    let mut lines: Vec<String> = entries
        .iter()
        .map(|entry| format!("{} {}\n", kind(&entry.type_), entry.name))
        .collect();
    lines.sort();
    Ok(lines.concat())
}

fn kind(kind: &DescriptorType) -> &'static str {
    match kind {
        DescriptorType::Directory => "folder",
        DescriptorType::RegularFile => "file",
        DescriptorType::SymbolicLink => "link",
        _ => "other",
    }
}
