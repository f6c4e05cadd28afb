//! Several components as one, wired and labelled as the caller says.
//!
//! The composition library keys interfaces by their names, so that what it imports twice it would
//! merge. A labelled import therefore goes through it under a name that nobody else has; at the
//! end that name becomes the label, with the interface that it implements beside it.

use crate::tools::binary::walk;
use crate::tools::bounds::{MAX_BINARY_BYTES, check_binary_size};
use crate::tools::rename::{Renamed, rename_imports};
use crate::tools::stack::on_large_stack;
use crate::tools::validate::validate_composed;
use anyhow::{Context, Result, anyhow, bail, ensure};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use wac_graph::types::{ItemKind, Package};
use wac_graph::{CompositionGraph, EncodeError, EncodeOptions, NodeId, PackageId};
use wasmparser::Encoding;

const MAX_PARTS: usize = 64;

/// One of the components.
pub struct Part<'a> {
    pub name: &'a str,
    pub wasm: &'a [u8],
}

/// An import of one part that an export of another satisfies; parts by index.
pub struct Link<'a> {
    pub importer: usize,
    pub import: &'a str,
    pub exporter: usize,
    pub export: &'a str,
}

/// An import that stays the part's own, under this name in the result.
pub struct Label<'a> {
    pub part: usize,
    pub import: &'a str,
    pub label: &'a str,
}

pub struct Plan<'a> {
    pub parts: Vec<Part<'a>>,
    pub links: Vec<Link<'a>>,
    pub labels: Vec<Label<'a>>,
    /// The part whose exports the result has.
    pub root: usize,
}

pub fn compose(plan: &Plan<'_>) -> Result<Vec<u8>> {
    let total: usize = plan.parts.iter().map(|part| part.wasm.len()).sum();
    ensure!(
        total <= MAX_BINARY_BYTES,
        "the components have {total} bytes together, more than the limit of {MAX_BINARY_BYTES}"
    );
    ensure!(
        plan.parts.len() <= MAX_PARTS,
        "{} components are more than the limit of {MAX_PARTS}",
        plan.parts.len()
    );
    for part in &plan.parts {
        let walked = walk(part.wasm, |_, _| Ok(())).with_context(|| quoted(part))?;
        ensure!(
            walked.encoding == Encoding::Component,
            "{}: not a component",
            quoted(part)
        );
    }
    on_large_stack(|| {
        let composer = Composer::new(plan)?;
        composer.run()
    })
}

fn quoted(part: &Part<'_>) -> String {
    format!("component \"{}\"", part.name)
}

/// Under what name a labelled import goes through the composition library.
fn stand_in(index: usize) -> String {
    format!("label:l{index}/l{index}")
}

struct Composer<'a> {
    plan: &'a Plan<'a>,
    graph: CompositionGraph,
    packages: Vec<PackageId>,
    instances: Vec<NodeId>,
    renamed: HashMap<String, Renamed>,
}

impl<'a> Composer<'a> {
    fn new(plan: &'a Plan<'a>) -> Result<Composer<'a>> {
        let mut graph = CompositionGraph::new();
        let mut packages = Vec::new();
        for (index, part) in plan.parts.iter().enumerate() {
            let name = format!("part:p{index}");
            let package = Package::from_bytes(&name, None, part.wasm, graph.types_mut())
                .with_context(|| quoted(part))?;
            packages.push(graph.register_package(package)?);
        }
        let instances = packages
            .iter()
            .map(|package| graph.instantiate(*package))
            .collect();
        Ok(Composer {
            plan,
            graph,
            packages,
            instances,
            renamed: HashMap::new(),
        })
    }

    fn run(mut self) -> Result<Vec<u8>> {
        for link in &self.plan.links {
            self.link(link)?;
        }
        for (index, label) in self.plan.labels.iter().enumerate() {
            self.label(index, label)?;
        }
        self.export_root()?;
        let composed = self.encode()?;
        check_binary_size(&composed)?;
        let composed = rename_imports(&composed, &self.renamed)?;
        validate_composed(&composed).context("these components do not fit together")?;
        Ok(composed)
    }

    fn part(&self, index: usize) -> Result<&'a Part<'a>> {
        let parts = &self.plan.parts;
        parts.get(index).context("internal: no such part")
    }

    fn import_of(&self, part: usize, import: &str) -> Result<ItemKind> {
        let world = self.graph[self.packages[part]].ty();
        let kind = self.graph.types()[world].imports.get(import).copied();
        kind.with_context(|| {
            format!(
                "{} does not import {import}",
                quoted(&self.plan.parts[part])
            )
        })
    }

    fn link(&mut self, link: &Link<'_>) -> Result<()> {
        let (importer, exporter) = (self.part(link.importer)?, self.part(link.exporter)?);
        let exported = self
            .graph
            .alias_instance_export(self.instances[link.exporter], link.export)
            .map_err(|_| anyhow!("{} does not export {}", quoted(exporter), link.export))?;
        self.import_of(link.importer, link.import)?;
        self.graph
            .set_instantiation_argument(self.instances[link.importer], link.import, exported)
            .map_err(|error| {
                let why = anyhow::Error::from(error);
                anyhow!(
                    "{} imports {}, and what {} exports as {} is not that: {why:#}",
                    quoted(importer),
                    link.import,
                    quoted(exporter),
                    link.export,
                )
            })
    }

    fn label(&mut self, index: usize, label: &Label<'_>) -> Result<()> {
        let part = self.part(label.part)?;
        let kind = self.import_of(label.part, label.import)?;
        let name = match kind {
            ItemKind::Instance(id) => {
                let name = stand_in(index);
                let interface = self.graph.types_mut()[id].id.replace(name.clone());
                self.renamed.insert(
                    name.clone(),
                    Renamed {
                        label: label.label.to_owned(),
                        implements: interface,
                    },
                );
                name
            }
            ItemKind::Func(_) => label.label.to_owned(),
            _ => bail!(
                "{} imports {}, which is neither an interface nor a function",
                quoted(part),
                label.import
            ),
        };
        let node = self.graph.import(name, kind).with_context(|| {
            format!(
                "{} imports {}, for which the label \"{}\" cannot be used",
                quoted(part),
                label.import,
                label.label
            )
        })?;
        self.graph
            .set_instantiation_argument(self.instances[label.part], label.import, node)
            .with_context(|| format!("{} imports {} twice", quoted(part), label.import))
    }

    fn export_root(&mut self) -> Result<()> {
        self.part(self.plan.root)?;
        let world = self.graph[self.packages[self.plan.root]].ty();
        let exports: Vec<String> = self.graph.types()[world]
            .exports
            .iter()
            .filter(|(_, kind)| matches!(kind, ItemKind::Instance(_) | ItemKind::Func(_)))
            .map(|(name, _)| name.clone())
            .collect();
        for name in exports {
            let root = self.instances[self.plan.root];
            let exported = self.graph.alias_instance_export(root, &name)?;
            self.graph.export(exported, &name)?;
        }
        Ok(())
    }

    /// The library takes for granted that what parts import of one name fits together.
    fn encode(&self) -> Result<Vec<u8>> {
        let options = EncodeOptions {
            validate: false,
            ..EncodeOptions::default()
        };
        match catch_unwind(AssertUnwindSafe(|| self.graph.encode(options))) {
            Ok(Ok(bytes)) => Ok(bytes),
            Ok(Err(error)) => Err(self.explain(error)),
            Err(_) => bail!("the components import interfaces whose types do not fit together"),
        }
    }

    fn explain(&self, error: EncodeError) -> anyhow::Error {
        let part_of = |node: NodeId| {
            let index = self.instances.iter().position(|instance| *instance == node);
            index.map_or(String::from("a component"), |index| {
                quoted(&self.plan.parts[index])
            })
        };
        match error {
            EncodeError::GraphContainsCycle { node } => {
                anyhow!("{} is part of a cycle of imports", part_of(node))
            }
            EncodeError::ImportTypeMergeConflict {
                import,
                first,
                second,
                source,
            } => anyhow!(
                "{} and {} import {import}, and not in the same form: {source:#}",
                part_of(first),
                part_of(second)
            ),
            other => anyhow::Error::from(other),
        }
    }
}
