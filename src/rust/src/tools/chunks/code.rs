//! The code of a chunk.

use super::SLOT_BYTES;
use super::layout::Region;
use super::whole::{Body, What, Whole};
use crate::tools::core_module::id;
use anyhow::Result;
use rustc_hash::FxHasher;
use std::collections::{BTreeSet, HashMap};
use std::hash::Hasher;
use std::ops::Range;
use wasm_encoder::{
    Encode, FunctionSection, Module, NameMap, NameSection, RawSection, Section as _,
};

/// The number of the memory of constants.
const CONSTANTS_MEMORY: u8 = 1;
/// Of a number that is written before it is known.
const FIXED_BYTES: usize = 5;

// Instructions (WebAssembly core specification, 5.4).
const END: u8 = 0x0b;
const CALL: u8 = 0x10;
const CALL_INDIRECT: u8 = 0x11;
const RETURN_CALL: u8 = 0x12;
const RETURN_CALL_INDIRECT: u8 = 0x13;
const TABLE_GET: u8 = 0x25;
const I32_LOAD: u8 = 0x28;
const I64_LOAD: u8 = 0x29;
const I32_CONST: u8 = 0x41;
const REF_FUNC: u8 = 0xd2;
/// With an alignment: the number of the memory follows.
const NAMES_MEMORY: u8 = 0x40;

/// Of what is written for an instruction, at most about.
const REPLACEMENT_BYTES: usize = 16;

/// What a slot holds.
#[derive(Clone, Copy, PartialEq)]
pub enum Slot {
    I32(i32),
    I64(i64),
    /// Where it is in the table of all functions.
    Function(u32),
}

/// A chunk without the numbers of its slots.
pub struct Draft {
    pub functions: Range<usize>,
    /// Functions that it imports, by their numbers in the module.
    imports: Vec<u32>,
    bytes: Vec<u8>,
    pub hash: u64,
    /// Where the address of which slot is written.
    addresses: Vec<(usize, u32)>,
    /// Where it is written at which place its functions begin in the table of all.
    place_at: usize,
    pub slots: Vec<Slot>,
}

impl Draft {
    pub fn new(whole: &Whole<'_>, bodies: &[Body<'_>], functions: Range<usize>) -> Result<Self> {
        let used = bodies[functions.clone()]
            .iter()
            .flat_map(|body| &body.replaced);
        let used = used.filter_map(|(_, what)| what.import(whole.imported()));
        let mut draft = Draft {
            imports: used.collect::<BTreeSet<_>>().into_iter().collect(),
            bytes: Module::HEADER.to_vec(),
            hash: 0,
            addresses: Vec::new(),
            place_at: 0,
            slots: Vec::new(),
            functions,
        };
        whole.type_section().append_to(&mut draft.bytes);
        let imports = whole.import_section(&draft.imports)?;
        imports.append_to(&mut draft.bytes);
        let mut types = FunctionSection::new();
        for ty in &whole.types[draft.functions.clone()] {
            types.function(*ty);
        }
        types.append_to(&mut draft.bytes);
        draft.append_elements(whole);
        draft.append_code(whole, bodies)?;
        draft.append_names(whole);
        let mut hasher = FxHasher::default();
        hasher.write(&draft.bytes);
        draft.hash = hasher.finish();
        Ok(draft)
    }

    /// All functions of the chunk into the table of all.
    fn append_elements(&mut self, whole: &Whole<'_>) {
        let mut data = vec![1, 2]; // one segment, active, of a table that is named
        whole.table_of_all().encode(&mut data);
        data.push(I32_CONST);
        let place_at = data.len();
        data.extend(fixed(0));
        data.extend([END, 0]); // of functions
        let first = self.imports.len() as u32;
        let functions = first..first + self.functions.len() as u32;
        functions.len().encode(&mut data);
        for function in functions {
            function.encode(&mut data);
        }
        self.place_at = append(id::ELEMENT, &data, &mut self.bytes) + place_at;
    }

    fn append_code(&mut self, whole: &Whole<'_>, bodies: &[Body<'_>]) -> Result<()> {
        let mut writer = Writer {
            whole,
            functions: self.functions.clone(),
            imports: &self.imports,
            slots: Slots::default(),
            addresses: Vec::new(),
            out: Vec::new(),
        };
        let bodies = &bodies[self.functions.clone()];
        let room = |body: &Body<'_>| body.bytes.len() + REPLACEMENT_BYTES * body.replaced.len();
        let mut code = Vec::with_capacity(bodies.iter().map(room).sum());
        self.functions.len().encode(&mut code);
        for body in bodies {
            writer.write(body)?;
            writer.out.len().encode(&mut code);
            for (at, slot) in writer.addresses.drain(..) {
                self.addresses.push((code.len() + at, slot));
            }
            code.append(&mut writer.out);
        }
        self.bytes.reserve(code.len() + FIXED_BYTES);
        let begin = append(id::CODE, &code, &mut self.bytes);
        for (at, _) in &mut self.addresses {
            *at += begin;
        }
        self.slots = writer.slots.all;
        Ok(())
    }

    fn append_names(&mut self, whole: &Whole<'_>) {
        let first = whole.imported() + self.functions.start as u32;
        let mut names = NameMap::new();
        let begin = whole.names.partition_point(|(number, _)| *number < first);
        for (number, name) in &whole.names[begin..] {
            let local = number - first;
            if local as usize >= self.functions.len() {
                break;
            }
            names.append(self.imports.len() as u32 + local, name);
        }
        if !names.is_empty() {
            let mut section = NameSection::new();
            section.functions(&names);
            section.append_to(&mut self.bytes);
        }
    }

    pub fn finish(mut self, region: &Region) -> Vec<u8> {
        let mut write = |at: usize, number: u32| {
            self.bytes[at..at + FIXED_BYTES].copy_from_slice(&fixed(number));
        };
        write(self.place_at, region.functions.start);
        for (at, slot) in &self.addresses {
            write(*at, (region.slots.start + slot) * SLOT_BYTES as u32);
        }
        self.bytes
    }
}

/// Writes functions of a chunk.
struct Writer<'a> {
    whole: &'a Whole<'a>,
    functions: Range<usize>,
    imports: &'a [u32],
    slots: Slots,
    /// Where the address of which slot is written in `out`.
    addresses: Vec<(usize, u32)>,
    out: Vec<u8>,
}

impl Writer<'_> {
    fn write(&mut self, body: &Body<'_>) -> Result<()> {
        let mut copied = 0;
        for (replaced, what) in &body.replaced {
            self.out
                .extend_from_slice(&body.bytes[copied..replaced.start]);
            copied = replaced.end;
            match *what {
                What::I32(value) => self.load(Slot::I32(value)),
                What::I64(value) => self.load(Slot::I64(value)),
                What::Call(function) => self.call(function, CALL, CALL_INDIRECT)?,
                What::ReturnCall(function) => {
                    self.call(function, RETURN_CALL, RETURN_CALL_INDIRECT)?;
                }
                What::Ref(function) => self.reference(function),
            }
        }
        self.out.extend_from_slice(&body.bytes[copied..]);
        Ok(())
    }

    /// Its number here, if the chunk has or imports it.
    fn local(&self, function: u32) -> Option<u32> {
        if let Ok(import) = self.imports.binary_search(&function) {
            return Some(import as u32);
        }
        let first = self.whole.imported() + self.functions.start as u32;
        let local = function.checked_sub(first)?;
        let is_here = (local as usize) < self.functions.len();
        is_here.then(|| self.imports.len() as u32 + local)
    }

    fn load(&mut self, slot: Slot) {
        let (opcode, align) = match slot {
            Slot::I64(_) => (I64_LOAD, 3),
            Slot::I32(_) | Slot::Function(_) => (I32_LOAD, 2),
        };
        let bytes = [I32_CONST, 0, opcode, align | NAMES_MEMORY, CONSTANTS_MEMORY];
        self.out.extend(bytes);
        let number = self.slots.number(slot);
        self.addresses.push((self.out.len(), number));
        // Until it has an address: which of them are one and the same tells chunks apart.
        self.out.extend(fixed(number));
    }

    fn call(&mut self, function: u32, direct: u8, indirect: u8) -> Result<()> {
        if let Some(local) = self.local(function) {
            self.out.push(direct);
            local.encode(&mut self.out);
            return Ok(());
        }
        self.load(Slot::Function(function));
        self.out.push(indirect);
        self.whole.type_of(function)?.encode(&mut self.out);
        self.whole.table_of_all().encode(&mut self.out);
        Ok(())
    }

    fn reference(&mut self, function: u32) {
        if let Some(local) = self.local(function) {
            self.out.push(REF_FUNC);
            local.encode(&mut self.out);
            return;
        }
        self.load(Slot::Function(function));
        self.out.push(TABLE_GET);
        self.whole.table_of_all().encode(&mut self.out);
    }
}

/// Of one chunk. A function has one, however often it is called.
#[derive(Default)]
struct Slots {
    all: Vec<Slot>,
    functions: HashMap<u32, u32>,
}

impl Slots {
    fn number(&mut self, slot: Slot) -> u32 {
        let next = self.all.len() as u32;
        let number = match slot {
            Slot::Function(function) => *self.functions.entry(function).or_insert(next),
            _ => next,
        };
        if number == next {
            self.all.push(slot);
        }
        number
    }
}

/// Returns where the contents begin.
fn append(id: u8, data: &[u8], out: &mut Vec<u8>) -> usize {
    RawSection { id, data }.append_to(out);
    out.len() - data.len()
}

/// LEB128 of as many bytes, whatever the number, signed and unsigned: numbers are below 2^31.
fn fixed(number: u32) -> [u8; FIXED_BYTES] {
    std::array::from_fn(|i| {
        let more = if i + 1 < FIXED_BYTES { 0x80 } else { 0 };
        (number >> (7 * i)) as u8 & 0x7f | more
    })
}
