//! Finds the Go packages that generated Go code runs on, which come with the crate that generates
//! it, and makes them part of the library: `GO_RUNTIME`, path and text of each file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

const GENERATOR: &str = "wit-bindgen-go";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=Cargo.lock");
    let root = generator_folder().join("src/pkg/wit");
    let mut files = Vec::new();
    collect(&root, &mut files);
    files.sort();
    assert!(!files.is_empty(), "{} holds no Go code", root.display());

    let mut code = String::from("const GO_RUNTIME: &[(&str, &str)] = &[\n");
    for file in files {
        let path = file.strip_prefix(&root).expect("below the root");
        let path = path.to_str().expect("a path in UTF-8");
        let file = file.to_str().expect("a path in UTF-8");
        writeln!(code, "    ({path:?}, include_str!({file:?})),").expect("a string grows");
    }
    code.push_str("];\n");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
    fs::write(out.join("go_runtime.rs"), code).expect("OUT_DIR can be written");
}

/// Where cargo has unpacked the generator.
fn generator_folder() -> PathBuf {
    // Without the filter, crates for other platforms would have to be there too.
    let output = Command::new(env::var_os("CARGO").expect("cargo sets CARGO"))
        .args(["metadata", "--format-version=1", "--locked", "--offline"])
        .arg("--filter-platform")
        .arg(env::var_os("TARGET").expect("cargo sets TARGET"))
        .output()
        .expect("cargo can be run");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo metadata: {errors}");
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("cargo writes JSON");
    let packages = metadata["packages"].as_array().expect("there are packages");
    let generator = packages.iter().find(|package| package["name"] == GENERATOR);
    let manifest = generator.expect("it is a dependency")["manifest_path"].as_str();
    let folder = Path::new(manifest.expect("it has a manifest")).parent();
    folder.expect("the manifest is in a folder").to_owned()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the generator's folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            collect(&path, files);
        } else if path
            .extension()
            .is_some_and(|end| end == "go" || end == "s")
        {
            files.push(path);
        }
    }
}
