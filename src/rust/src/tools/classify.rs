//! What a binary is, and the names of what it imports and exports.

use crate::tools::binary::{begins_like_wasm, walk};
use crate::tools::bounds::check_binary_size;
use anyhow::Result;
use serde_json::{Value, json};
use std::collections::HashSet;
use wasmparser::{ComponentExternName, Encoding, ExternalKind, Payload};

const PREVIEW1: &str = "wasi_snapshot_preview1";

pub fn classify(bytes: &[u8]) -> Result<Vec<u8>> {
    check_binary_size(bytes)?;
    let names = names_of(bytes)?;
    Ok(serde_json::to_vec(&names.document())?)
}

/// Which adapter a preview 1 module wants.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry {
    Command,
    Reactor,
}

#[derive(Default)]
pub struct Names {
    pub encoding: Option<Encoding>,
    pub needs_async: bool,
    pub preview1: bool,
    /// Bindings have left a description of the module's world in it.
    pub world: bool,
    /// A component inside lifts or lowers functions: calls may cross from one to another.
    pub inner_calls: bool,
    pub entry: Option<Entry>,
    imports: Vec<Value>,
    exports: Vec<Value>,
}

/// The names of the outermost level. Without an encoding if the bytes do not begin like
/// WebAssembly.
pub fn names_of(bytes: &[u8]) -> Result<Names> {
    let mut names = Names::default();
    if !begins_like_wasm(bytes) {
        return Ok(names);
    }
    let mut imported = HashSet::new();
    let walked = walk(bytes, |depth, payload| match payload {
        Payload::ComponentCanonicalSection(_) if depth > 0 => {
            names.inner_calls = true;
            Ok(())
        }
        _ if depth > 0 => Ok(()),
        Payload::ComponentImportSection(_) | Payload::ComponentExportSection(_) => {
            names.add_component_names(payload)
        }
        Payload::ImportSection(section) => {
            for import in section.clone().into_imports() {
                let module = import?.module;
                if imported.insert(module) {
                    names.add_module_import(module);
                }
            }
            Ok(())
        }
        Payload::CustomSection(section) => {
            names.world |= section.name().starts_with("component-type");
            Ok(())
        }
        Payload::ExportSection(section) => {
            for export in section.clone() {
                let export = export?;
                names.add_module_export(export.name, export.kind);
            }
            Ok(())
        }
        _ => Ok(()),
    })?;
    names.encoding = Some(walked.encoding);
    names.needs_async = walked.needs_async;
    Ok(names)
}

impl Names {
    fn add_component_names(&mut self, payload: &Payload<'_>) -> Result<()> {
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    let import = import?;
                    let kind = import.ty.kind().desc();
                    self.imports.push(component_name(&import.name, kind));
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    let export = export?;
                    let kind = export.kind.desc();
                    self.exports.push(component_name(&export.name, kind));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn add_module_import(&mut self, module: &str) {
        self.preview1 |= module == PREVIEW1;
        self.imports.push(json!({"name": module, "kind": "module"}));
    }

    fn add_module_export(&mut self, name: &str, kind: ExternalKind) {
        match (name, kind) {
            ("_start", ExternalKind::Func) => self.entry = Some(Entry::Command),
            // A module with both is a command: its _start initialises it.
            ("_initialize", ExternalKind::Func) => {
                self.entry = self.entry.or(Some(Entry::Reactor));
            }
            _ => {}
        }
        self.exports
            .push(json!({"name": name, "kind": kind_name(kind)}));
    }

    fn document(self) -> Value {
        let kind = match self.encoding {
            Some(Encoding::Component) => "component",
            Some(Encoding::Module) => "module",
            None => "unknown",
        };
        let entry = self.entry.map(|entry| match entry {
            Entry::Command => "command",
            Entry::Reactor => "reactor",
        });
        json!({
            "type": kind,
            "async": self.needs_async,
            "innerCalls": self.inner_calls,
            "preview1": self.preview1,
            "world": self.world && self.encoding == Some(Encoding::Module),
            "entry": entry,
            "imports": self.imports,
            "exports": self.exports,
        })
    }
}

fn component_name(name: &ComponentExternName<'_>, kind: &str) -> Value {
    match name.implements {
        Some(interface) => json!({"name": name.name, "kind": kind, "implements": interface}),
        None => json!({"name": name.name, "kind": kind}),
    }
}

fn kind_name(kind: ExternalKind) -> &'static str {
    match kind {
        ExternalKind::Func | ExternalKind::FuncExact => "func",
        ExternalKind::Table => "table",
        ExternalKind::Memory => "memory",
        ExternalKind::Global => "global",
        ExternalKind::Tag => "tag",
    }
}
