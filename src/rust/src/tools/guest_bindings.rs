//! Bindings of a component, in the language that it is written in.

use crate::tools::abi::Source;
use crate::tools::list::list;
use crate::tools::stack::on_large_stack;
use crate::tools::wit_text;
use anyhow::{Result, bail, ensure};
use wit_bindgen_core::{Files, WorldGenerator};

include!(concat!(env!("OUT_DIR"), "/go_runtime.rs"));

const C: i32 = 0;
const GO: i32 = 1;

/// Where the generator takes what its code runs on; it is among our files instead.
const GO_RUNTIME_PACKAGE: &str = "\"go.bytecodealliance.org/pkg/wit/";

pub struct Request<'a> {
    pub language: i32,
    pub files: &'a [Source<'a>],
    pub world: &'a str,
    pub package: &'a str,
    pub exports_package: &'a str,
}

pub fn generate(request: &Request<'_>) -> Result<Vec<u8>> {
    on_large_stack(|| {
        let (mut resolve, main) = wit_text::resolve(request.files)?;
        let world = (!request.world.is_empty()).then_some(request.world);
        let world = resolve.select_world(&[main], world)?;
        let mut files = Files::default();
        generator_of(request)?.generate(&mut resolve, world, &mut files)?;
        if request.language == GO {
            return list(&go_files(&files, request.package)?);
        }
        let files: Vec<(&str, &[u8])> = files.iter().collect();
        list(&files)
    })
}

fn generator_of(request: &Request<'_>) -> Result<Box<dyn WorldGenerator>> {
    match request.language {
        C => Ok(wit_bindgen_c::Opts::default().build()),
        GO => {
            ensure!(
                !request.package.is_empty() && !request.exports_package.is_empty(),
                "Go bindings need the import path of their package"
            );
            let options = wit_bindgen_go::Opts {
                // Formatting runs a program; this library runs none.
                format: wit_bindgen_go::Format::False,
                pkg_name: Some(request.package.into()),
                export_pkg_name: Some(request.exports_package.into()),
                ..Default::default()
            };
            Ok(options.build())
        }
        unknown => bail!("{unknown} is not a language of guests"),
    }
}

/// The generated files and the runtime, importing each other below `package`.
fn go_files(files: &Files, package: &str) -> Result<Vec<(String, Vec<u8>)>> {
    let own = format!("\"{package}/wit/");
    let generated = files
        .iter()
        .map(|(path, text)| Ok((path.to_owned(), std::str::from_utf8(text)?)));
    let runtime = GO_RUNTIME
        .iter()
        .map(|(path, text)| Ok((format!("wit/{path}"), *text)));
    generated
        .chain(runtime)
        .map(|file: Result<(String, &str)>| {
            let (path, text) = file?;
            Ok((path, text.replace(GO_RUNTIME_PACKAGE, &own).into_bytes()))
        })
        .collect()
}
