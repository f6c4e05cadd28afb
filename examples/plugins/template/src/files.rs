//! The template, as files below the plugin's own folder.

use wasip2::filesystem::preopens::get_directories;
use wasip2::filesystem::types::{Descriptor, DescriptorFlags, ErrorCode, OpenFlags, PathFlags};

/// Of its folder.
pub const NAME: &str = "team-service";

const FILES: [(&str, &str); 2] = [
    ("README.md", "# A service of our team\n"),
    (".wash/config.yaml", "build:\n  command: make\n"),
];

fn failed(what: &str, error: ErrorCode) -> String {
    format!("{what}: {error:?}")
}

fn make_folder(root: &Descriptor, path: &str) -> Result<(), String> {
    match root.create_directory_at(path) {
        Ok(()) | Err(ErrorCode::Exist) => Ok(()),
        Err(error) => Err(failed(path, error)),
    }
}

pub fn write() -> Result<(), String> {
    let folders = get_directories();
    let (root, _) = folders.last().ok_or("this plugin has no folder")?;
    make_folder(root, NAME)?;
    make_folder(root, &format!("{NAME}/.wash"))?;
    for (name, content) in FILES {
        let path = format!("{NAME}/{name}");
        let flags = OpenFlags::CREATE | OpenFlags::TRUNCATE;
        let file = root
            .open_at(PathFlags::empty(), &path, flags, DescriptorFlags::WRITE)
            .map_err(|error| failed(&path, error))?;
        file.write(content.as_bytes(), 0)
            .map_err(|error| failed(&path, error))?;
    }
    Ok(())
}
