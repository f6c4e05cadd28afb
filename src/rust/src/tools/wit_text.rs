//! WIT text, of one package and those it depends on, to a resolved document.

use crate::tools::abi::Source;
use crate::tools::bounds::{MAX_WIT_BYTES, MAX_WIT_FILES, MAX_WIT_PACKAGES};
use crate::tools::stack::on_large_stack;
use crate::tools::world::document;
use anyhow::{Result, anyhow, ensure};
use std::collections::BTreeMap;
use std::fmt::Display;
use wit_parser::{PackageId, Resolve, ResolveResult, SourceMap, Span, UnresolvedPackageGroup};

pub fn json(files: &[Source<'_>]) -> Result<Vec<u8>> {
    on_large_stack(|| {
        let (resolve, main) = resolve(files)?;
        let world = resolve.select_world(&[main], None).ok();
        document(&resolve, main, world)
    })
}

/// Call it on a large stack.
pub fn resolve(files: &[Source<'_>]) -> Result<(Resolve, PackageId)> {
    resolve_into(Resolve::default(), files)
}

/// The same, added to what is there.
pub fn resolve_into(mut resolve: Resolve, files: &[Source<'_>]) -> Result<(Resolve, PackageId)> {
    let (main, dependencies) = parse_groups(files)?;
    let pushed = resolve.push_groups(main, dependencies);
    let package = said(&resolve, pushed)?;
    Ok((resolve, package))
}

/// One package and those within it, whose needs are there.
pub fn push_group(resolve: &mut Resolve, group: UnresolvedPackageGroup) -> Result<PackageId> {
    let pushed = resolve.push_group(group);
    said(resolve, pushed)
}

/// An error with the place in the text.
fn said<T>(resolve: &Resolve, pushed: ResolveResult<T>) -> Result<T> {
    pushed.map_err(|error| {
        let kind = error.kind();
        located(|span| resolve.render_location(span), kind.span(), kind)
    })
}

/// The main package, and those it may depend on. Nothing is resolved yet. Call it on a large stack.
pub fn parse_groups(
    files: &[Source<'_>],
) -> Result<(UnresolvedPackageGroup, Vec<UnresolvedPackageGroup>)> {
    ensure!(!files.is_empty(), "there are no WIT files");
    ensure!(
        files.len() <= MAX_WIT_FILES,
        "there are more than {MAX_WIT_FILES} WIT files"
    );
    let size: usize = files.iter().map(|file| file.text.len()).sum();
    ensure!(
        size <= MAX_WIT_BYTES,
        "the WIT files have more than {MAX_WIT_BYTES} bytes"
    );

    let mut packages: BTreeMap<&str, SourceMap> = BTreeMap::new();
    for file in files {
        packages
            .entry(dependency_of(file.path))
            .or_default()
            .push_str(file.path, file.text);
    }
    let main = packages
        .remove("")
        .ok_or_else(|| anyhow!("all WIT files are dependencies"))?;
    let main = parse(main)?;
    let dependencies = packages
        .into_values()
        .map(parse)
        .collect::<Result<Vec<_>>>()?;
    let count = |group: &UnresolvedPackageGroup| 1 + group.nested.len();
    let count = count(&main) + dependencies.iter().map(count).sum::<usize>();
    ensure!(
        count <= MAX_WIT_PACKAGES,
        "there are more than {MAX_WIT_PACKAGES} WIT packages"
    );
    Ok((main, dependencies))
}

fn parse(sources: SourceMap) -> Result<UnresolvedPackageGroup> {
    sources.parse().map_err(|(sources, error)| {
        let kind = error.kind();
        located(|span| sources.render_location(span), kind.span(), kind)
    })
}

fn located(location: impl Fn(Span) -> String, span: Span, what: impl Display) -> anyhow::Error {
    if span.is_known() {
        anyhow!("{}: {what}", location(span))
    } else {
        anyhow!("{what}")
    }
}

/// Which package the file belongs to: "" for the main one, else the path of the entry of the last
/// folder `deps` that holds it.
fn dependency_of(path: &str) -> &str {
    const DEPS: &str = "deps/";
    let begin = match path.rfind("/deps/") {
        Some(slash) => slash + 1 + DEPS.len(),
        None if path.starts_with(DEPS) => DEPS.len(),
        None => return "",
    };
    match path[begin..].find('/') {
        Some(slash) => &path[..begin + slash],
        None => path,
    }
}
