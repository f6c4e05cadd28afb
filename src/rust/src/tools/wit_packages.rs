//! WIT packages as things that are fetched and kept: what one needs, all that one needs as text,
//! and one as a binary.

use crate::tools::abi::Source;
use crate::tools::list::list;
use crate::tools::stack::on_large_stack;
use crate::tools::wit_text::{parse_groups, push_group, resolve_into};
use crate::tools::world::{decode, package_text};
use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use wasm_metadata::{AddMetadata, AddMetadataField};
use wit_component::DecodedWasm;
use wit_parser::{PackageId, PackageName, Resolve, UnresolvedPackage, UnresolvedPackageGroup};

/// An encoded package.
pub struct Encoded<'a> {
    pub name: &'a str,
    pub wasm: &'a [u8],
}

/// `{"package": {"name", "version"}, "needs": [the same, …]}` of the main package.
pub fn needs(files: &[Source<'_>]) -> Result<Vec<u8>> {
    on_large_stack(|| {
        let (main, _) = parse_groups(files)?;
        let needed: Vec<Value> = needs_of(&main).into_iter().map(name_json).collect();
        let found = json!({"package": name_json(&main.main.name), "needs": needed});
        Ok(found.to_string().into_bytes())
    })
}

/// The packages that the main one needs, and those that they need, each as a text of its own.
pub fn gather(files: &[Source<'_>], encoded: &[Encoded<'_>]) -> Result<Vec<u8>> {
    on_large_stack(|| {
        let (main, mut texts) = parse_groups(files)?;
        let mut resolve = keeping_all_features();
        push_ready(&mut resolve, &mut texts)?;
        for package in encoded {
            merge(&mut resolve, package)?;
        }
        push_ready(&mut resolve, &mut texts)?;
        // A text that still lacks something is left out; if the main package needs it, it says so.
        let own: BTreeSet<PackageName> = names_of(&main).cloned().collect();
        check_unknown(&resolve, &main)?;
        push_group(&mut resolve, main)?;
        let roots = own.iter().map(|name| resolve.package_names[name]);
        let mut found = BTreeMap::new();
        for id in reachable(&resolve, roots.collect()) {
            let name = &resolve.packages[id].name;
            if !own.contains(name) {
                found.insert(name.to_string(), package_text(&resolve, id)?);
            }
        }
        list(&found.into_iter().collect::<Vec<_>>())
    })
}

/// The main package, with what it needs of others.
pub fn encode(files: &[Source<'_>]) -> Result<Vec<u8>> {
    on_large_stack(|| {
        let (resolve, main) = resolve_into(keeping_all_features(), files)?;
        let binary = wit_component::encode(&resolve, main)?;
        let PackageName {
            namespace,
            name,
            version,
        } = &resolve.packages[main].name;
        let mut about = AddMetadata::default();
        about.name = AddMetadataField::Set(format!("{namespace}:{name}"));
        if let Some(version) = version {
            about.version = AddMetadataField::Set(version.to_string().parse()?);
        }
        about.to_wasm(&binary)
    })
}

/// What is unstable is kept, and stays marked so.
fn keeping_all_features() -> Resolve {
    Resolve {
        all_features: true,
        ..Resolve::default()
    }
}

fn packages_of(group: &UnresolvedPackageGroup) -> impl Iterator<Item = &UnresolvedPackage> {
    std::iter::once(&group.main).chain(&group.nested)
}

fn names_of(group: &UnresolvedPackageGroup) -> impl Iterator<Item = &PackageName> {
    packages_of(group).map(|package| &package.name)
}

fn needs_of(group: &UnresolvedPackageGroup) -> BTreeSet<&PackageName> {
    let own: BTreeSet<&PackageName> = names_of(group).collect();
    packages_of(group)
        .flat_map(|package| package.foreign_deps.keys())
        .filter(|name| !own.contains(name))
        .collect()
}

fn name_json(name: &PackageName) -> Value {
    json!({
        "name": format!("{}:{}", name.namespace, name.name),
        "version": name.version.as_ref().map(|version| version.to_string()),
    })
}

fn check_unknown(resolve: &Resolve, group: &UnresolvedPackageGroup) -> Result<()> {
    for name in names_of(group) {
        ensure!(
            !resolve.package_names.contains_key(name),
            "package {name} is there twice: as text, and within another package"
        );
    }
    Ok(())
}

/// Adds the texts that need nothing but what is there, until no more can be.
fn push_ready(resolve: &mut Resolve, texts: &mut Vec<UnresolvedPackageGroup>) -> Result<()> {
    let ready = |resolve: &Resolve, group: &UnresolvedPackageGroup| {
        needs_of(group)
            .iter()
            .all(|name| resolve.package_names.contains_key(*name))
    };
    while let Some(next) = texts.iter().position(|group| ready(resolve, group)) {
        let group = texts.remove(next);
        check_unknown(resolve, &group)?;
        push_group(resolve, group)?;
    }
    Ok(())
}

fn merge(resolve: &mut Resolve, package: &Encoded<'_>) -> Result<()> {
    let name = package.name;
    match decode(package.wasm).with_context(|| name.to_owned())? {
        DecodedWasm::WitPackage(decoded, _) => resolve
            .merge(decoded)
            .map(|_| ())
            .with_context(|| format!("{name} does not agree with the other packages")),
        DecodedWasm::Component(..) => bail!("{name} is a component, not a WIT package"),
    }
}

fn reachable(resolve: &Resolve, mut ahead: Vec<PackageId>) -> BTreeSet<PackageId> {
    let mut seen: BTreeSet<PackageId> = ahead.iter().copied().collect();
    while let Some(package) = ahead.pop() {
        for next in resolve.package_direct_deps(package) {
            if seen.insert(next) {
                ahead.push(next);
            }
        }
    }
    seen
}
