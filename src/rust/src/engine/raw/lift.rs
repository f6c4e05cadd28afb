//! From guest memory to the wRPC encoding.

use wasmtime::component::__internal::wasmtime_environ::component::StringEncoding;
use wasmtime::component::__internal::wasmtime_environ::component::{TypeTuple, TypeTupleIndex};
use wasmtime::component::__internal::{ComponentTypes, InterfaceType as T, LiftContext};
use wasmtime::component::{FutureAny, Lift, ResourceAny, StreamAny};
use wasmtime::{Error, Result, ValRaw, bail, format_err};

use super::bytes::take_buffer;
use super::lifted::{ALIGN_FROM_BYTES, LargeHandle, Lifted};
use super::recycled::Recycled;
use super::value::is_input;
use super::{Channel, MAX_WIRE_BYTES, leb};
use crate::engine::handles::IS_LARGE;

/// `EXPORT`: resources are those of the guest; else those of the host.
pub struct Lifter<'c, 'a, const EXPORT: bool> {
    context: &'c mut LiftContext<'a>,
    types: &'a ComponentTypes,
    memory: &'a [u8],
    encoding: Option<StringEncoding>,
    aligns: bool,
    out: Recycled<Lifted>,
}

#[cold]
fn bad_discriminant(value: u32) -> Error {
    format_err!("unexpected discriminant: {value}")
}

/// A string in Latin-1 or UTF-16: its length has this bit set if it is UTF-16.
const UTF16_TAG: usize = 1 << 31;

impl<'c, 'a, const EXPORT: bool> Lifter<'c, 'a, EXPORT> {
    pub fn new(context: &'c mut LiftContext<'a>) -> Self {
        let types: &'a ComponentTypes = context.types;
        let memory = context.memory();
        let mut out = Recycled::<Lifted>::default();
        if out.bytes.capacity() == 0 {
            out.bytes = take_buffer();
        }
        Lifter {
            context,
            types,
            memory,
            encoding: None,
            aligns: true,
            out,
        }
    }

    pub fn finish(self) -> Recycled<Lifted> {
        self.out
    }

    pub fn tuple(&self, index: TypeTupleIndex) -> &'a TypeTuple {
        &self.types[index]
    }

    /// One item of a stream's write, which is not handed over alone.
    pub fn item(&mut self, ty: T, pointer: usize) -> Result<()> {
        self.aligns = false;
        self.tuple_in_memory(ty, pointer)
    }

    pub fn tuple_in_memory(&mut self, ty: T, pointer: usize) -> Result<()> {
        let abi = self.types.canonical_abi(&ty);
        if pointer & (abi.align32 as usize - 1) != 0 {
            bail!("pointer not aligned");
        }
        self.memory(ty, pointer)
    }

    fn unsigned(&mut self, value: u64) {
        leb::unsigned(&mut self.out.bytes, value);
    }

    fn signed(&mut self, value: i64) {
        leb::signed(&mut self.out.bytes, value);
    }

    // A NaN has one encoding, whatever the guest's processor made of it.
    fn float32(&mut self, bits: u32) {
        let canonical = match f32::from_bits(bits).is_nan() {
            true => 0x7fc0_0000,
            false => bits,
        };
        self.out.bytes.extend_from_slice(&canonical.to_le_bytes());
    }

    fn float64(&mut self, bits: u64) {
        let canonical = match f64::from_bits(bits).is_nan() {
            true => 0x7ff8_0000_0000_0000,
            false => bits,
        };
        self.out.bytes.extend_from_slice(&canonical.to_le_bytes());
    }

    fn char(&mut self, value: u32) -> Result<()> {
        let value = char::from_u32(value).ok_or_else(|| format_err!("invalid char"))?;
        let mut bytes = [0; 4];
        let text = value.encode_utf8(&mut bytes);
        self.out.bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }

    /// Memory of a string or list.
    fn slice(&mut self, pointer: usize, size: usize) -> Result<&'a [u8]> {
        let end = pointer
            .checked_add(size)
            .filter(|end| *end <= self.memory.len())
            .ok_or_else(|| format_err!("pointer/length out of bounds of memory"))?;
        self.context.consume_fuel(size)?;
        if self.out.size() + size > MAX_WIRE_BYTES {
            bail!("the values are larger than {MAX_WIRE_BYTES} bytes");
        }
        Ok(&self.memory[pointer..end])
    }

    fn string(&mut self, pointer: usize, length: usize) -> Result<()> {
        let encoding = match self.encoding {
            Some(encoding) => encoding,
            None => *self.encoding.insert(self.context.options().string_encoding),
        };
        if !matches!(encoding, StringEncoding::Utf8) {
            return self.wide_string(encoding, pointer, length);
        }
        let text = self.slice(pointer, length)?;
        std::str::from_utf8(text)?;
        self.unsigned(length as u64);
        self.content(text);
        Ok(())
    }

    #[inline]
    fn content(&mut self, stored: &[u8]) {
        if stored.len() >= ALIGN_FROM_BYTES && self.aligns {
            self.out.align_for(stored);
        }
        self.out.bytes.extend_from_slice(stored);
    }

    #[cold]
    fn wide_string(
        &mut self,
        encoding: StringEncoding,
        pointer: usize,
        length: usize,
    ) -> Result<()> {
        let (utf16, units) = match encoding {
            StringEncoding::Utf16 => (true, length),
            _ => (length & UTF16_TAG != 0, length & !UTF16_TAG),
        };
        if pointer & 1 != 0 {
            bail!("string pointer not aligned to 2");
        }
        let size = if utf16 {
            units.saturating_mul(2)
        } else {
            units
        };
        let stored = self.slice(pointer, size)?;
        let text: String = if utf16 {
            let units = stored
                .chunks_exact(2)
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
            char::decode_utf16(units).collect::<std::result::Result<_, _>>()?
        } else {
            stored.iter().map(|byte| char::from(*byte)).collect()
        };
        self.unsigned(text.len() as u64);
        self.out.bytes.extend_from_slice(text.as_bytes());
        Ok(())
    }

    fn list(&mut self, element: T, pointer: usize, length: usize) -> Result<()> {
        let abi = self.types.canonical_abi(&element);
        let (size, align) = (abi.size32 as usize, abi.align32 as usize);
        let Some(total) = length.checked_mul(size) else {
            bail!("list longer than memory");
        };
        if pointer & (align - 1) != 0 {
            bail!("list pointer is not aligned");
        }
        let stored = self.slice(pointer, total)?;
        self.unsigned(length as u64);
        match element {
            T::U8 | T::S8 => self.content(stored),
            T::U16 => words(stored, |word| {
                self.unsigned(u16::from_le_bytes(word).into())
            }),
            T::U32 => words(stored, |word| {
                self.unsigned(u32::from_le_bytes(word).into())
            }),
            T::U64 => words(stored, |word| self.unsigned(u64::from_le_bytes(word))),
            T::S16 => words(stored, |word| self.signed(i16::from_le_bytes(word).into())),
            T::S32 => words(stored, |word| self.signed(i32::from_le_bytes(word).into())),
            T::S64 => words(stored, |word| self.signed(i64::from_le_bytes(word))),
            T::Float32 => words(stored, |word| self.float32(u32::from_le_bytes(word))),
            T::Float64 => words(stored, |word| self.float64(u64::from_le_bytes(word))),
            _ => {
                for index in 0..length {
                    self.memory(element, pointer + index * size)?;
                }
            }
        }
        Ok(())
    }

    fn channel(&mut self, channel: Channel) {
        self.out.channels.push(channel);
        self.out.bytes.push(0);
    }

    fn resource(&mut self, ty: T, index: u32) -> Result<()> {
        let raw = ValRaw::u32(index);
        match ty {
            T::Stream(_) => {
                let stream = StreamAny::linear_lift_from_flat(self.context, ty, &raw)?;
                self.channel(Channel::Stream(stream));
                return Ok(());
            }
            T::Future(_) => {
                let future = FutureAny::linear_lift_from_flat(self.context, ty, &raw)?;
                self.channel(Channel::Future(future));
                return Ok(());
            }
            T::Own(table) if is_input(self.context.resource_type(table)) => {
                let (rep, ..) = self.context.guest_resource_lift_own(table, index)?;
                self.channel(Channel::Input(rep));
                return Ok(());
            }
            _ => {}
        }
        if EXPORT {
            let resource = ResourceAny::linear_lift_from_flat(self.context, ty, &raw)?;
            self.out.resources.push(resource);
            let position = self.out.bytes.len();
            self.out.large.push(LargeHandle {
                position,
                rep: 0,
                owned: true,
            });
            self.handle(0);
            return Ok(());
        }
        let (rep, owned) = match ty {
            T::Own(table) => (self.context.guest_resource_lift_own(table, index)?.0, true),
            T::Borrow(table) => (
                self.context.guest_resource_lift_borrow(table, index)?,
                false,
            ),
            _ => bail!("a type that cannot cross"),
        };
        if rep & IS_LARGE != 0 {
            let position = self.out.bytes.len();
            self.out.large.push(LargeHandle {
                position,
                rep,
                owned,
            });
        }
        self.handle(rep);
        Ok(())
    }

    fn handle(&mut self, number: u32) {
        self.out.bytes.push(4);
        self.out.bytes.extend_from_slice(&number.to_le_bytes());
    }

    /// Writes the discriminant; the payload's type.
    fn case(&mut self, ty: T, discriminant: u32) -> Result<Option<T>> {
        let payload = match ty {
            T::Option(index) => match discriminant {
                0 => None,
                1 => Some(self.types[index].ty),
                _ => return Err(bad_discriminant(discriminant)),
            },
            T::Result(index) => match discriminant {
                0 => self.types[index].ok,
                1 => self.types[index].err,
                _ => return Err(bad_discriminant(discriminant)),
            },
            T::Variant(index) => match self.types[index].cases.get_index(discriminant as usize) {
                Some((_, payload)) => *payload,
                None => return Err(bad_discriminant(discriminant)),
            },
            T::Enum(index) if (discriminant as usize) < self.types[index].names.len() => None,
            _ => return Err(bad_discriminant(discriminant)),
        };
        self.unsigned(discriminant.into());
        Ok(payload)
    }

    fn flags(&mut self, labels: usize, mut word: impl FnMut(usize) -> Result<u32>) -> Result<()> {
        for index in 0..labels.div_ceil(32) {
            let here = (labels - index * 32).min(32);
            let known = u32::MAX >> (32 - here);
            let bytes = (word(index)? & known).to_le_bytes();
            self.out.bytes.extend_from_slice(&bytes[..here.div_ceil(8)]);
        }
        Ok(())
    }

    /// A value that stands in core values; takes them off the front of `from`.
    pub fn flat(&mut self, ty: T, from: &mut &[ValRaw]) -> Result<()> {
        match ty {
            T::Bool => {
                let value = next(from)?.get_u32() != 0;
                self.out.bytes.push(value.into());
            }
            T::U8 | T::S8 => self.out.bytes.push(next(from)?.get_u32() as u8),
            T::U16 => self.unsigned((next(from)?.get_u32() as u16).into()),
            T::S16 => self.signed((next(from)?.get_u32() as i16).into()),
            T::U32 => self.unsigned(next(from)?.get_u32().into()),
            T::S32 => self.signed(next(from)?.get_i32().into()),
            T::U64 => self.unsigned(next(from)?.get_u64()),
            T::S64 => self.signed(next(from)?.get_i64()),
            T::Float32 => self.float32(next(from)?.get_f32()),
            T::Float64 => self.float64(next(from)?.get_f64()),
            T::Char => self.char(next(from)?.get_u32())?,
            T::String => {
                let (pointer, length) = pair(from)?;
                self.string(pointer, length)?;
            }
            T::List(index) => {
                let (pointer, length) = pair(from)?;
                self.list(self.types[index].element, pointer, length)?;
            }
            T::Record(index) => {
                for field in &self.types[index].fields {
                    self.flat(field.ty, from)?;
                }
            }
            T::Tuple(index) => {
                for field in &self.types[index].types {
                    self.flat(*field, from)?;
                }
            }
            T::Variant(_) | T::Option(_) | T::Result(_) | T::Enum(_) => {
                let abi = self.types.canonical_abi(&ty);
                let count = abi.flat_count.map_or(usize::MAX, usize::from);
                let Some((mut own, behind)) = from.split_at_checked(count) else {
                    bail!("too few core values");
                };
                *from = behind;
                let discriminant = next(&mut own)?.get_u32();
                if let Some(payload) = self.case(ty, discriminant)? {
                    self.flat_payload(payload, own)?;
                }
            }
            T::Flags(index) => {
                let labels = self.types[index].names.len();
                self.flags(labels, |_| Ok(next(from)?.get_u32()))?;
            }
            _ => {
                let index = next(from)?.get_u32();
                self.resource(ty, index)?;
            }
        }
        Ok(())
    }

    fn flat_payload(&mut self, ty: T, mut from: &[ValRaw]) -> Result<()> {
        self.flat(ty, &mut from)
    }

    fn read<const N: usize>(&self, offset: usize) -> Result<[u8; N]> {
        let stored = self.memory.get(offset..).and_then(<[u8]>::first_chunk);
        match stored {
            Some(stored) => Ok(*stored),
            None => bail!("pointer out of bounds of memory"),
        }
    }

    fn read_pair(&self, offset: usize) -> Result<(usize, usize)> {
        let both = u64::from_le_bytes(self.read(offset)?);
        Ok((both as u32 as usize, (both >> 32) as usize))
    }

    /// A value that stands in memory.
    pub fn memory(&mut self, ty: T, offset: usize) -> Result<()> {
        match ty {
            T::Bool => {
                let value = self.read::<1>(offset)?[0] != 0;
                self.out.bytes.push(value.into());
            }
            T::U8 | T::S8 => {
                let [value] = self.read(offset)?;
                self.out.bytes.push(value);
            }
            T::U16 => self.unsigned(u16::from_le_bytes(self.read(offset)?).into()),
            T::S16 => self.signed(i16::from_le_bytes(self.read(offset)?).into()),
            T::U32 => self.unsigned(u32::from_le_bytes(self.read(offset)?).into()),
            T::S32 => self.signed(i32::from_le_bytes(self.read(offset)?).into()),
            T::U64 => self.unsigned(u64::from_le_bytes(self.read(offset)?)),
            T::S64 => self.signed(i64::from_le_bytes(self.read(offset)?)),
            T::Float32 => self.float32(u32::from_le_bytes(self.read(offset)?)),
            T::Float64 => self.float64(u64::from_le_bytes(self.read(offset)?)),
            T::Char => self.char(u32::from_le_bytes(self.read(offset)?))?,
            T::String => {
                let (pointer, length) = self.read_pair(offset)?;
                self.string(pointer, length)?;
            }
            T::List(index) => {
                let (pointer, length) = self.read_pair(offset)?;
                self.list(self.types[index].element, pointer, length)?;
            }
            T::Record(index) => {
                let mut at = offset;
                for field in &self.types[index].fields {
                    let abi = self.types.canonical_abi(&field.ty);
                    self.memory(field.ty, abi.next_field32_size(&mut at))?;
                }
            }
            T::Tuple(index) => {
                let mut at = offset;
                for field in &self.types[index].types {
                    let abi = self.types.canonical_abi(field);
                    self.memory(*field, abi.next_field32_size(&mut at))?;
                }
            }
            T::Variant(_) | T::Option(_) | T::Result(_) | T::Enum(_) => {
                self.variant(ty, offset)?;
            }
            T::Flags(index) => {
                let flags = &self.types[index];
                let stored = self.memory;
                let width = flags.abi.size32.min(4) as usize;
                self.flags(flags.names.len(), |word| {
                    let at = offset + word * 4;
                    let Some(stored) = stored.get(at..at + width) else {
                        bail!("pointer out of bounds of memory");
                    };
                    let mut bytes = [0; 4];
                    bytes[..width].copy_from_slice(stored);
                    Ok(u32::from_le_bytes(bytes))
                })?;
            }
            _ => {
                let index = u32::from_le_bytes(self.read(offset)?);
                self.resource(ty, index)?;
            }
        }
        Ok(())
    }

    fn variant(&mut self, ty: T, offset: usize) -> Result<()> {
        let info = match ty {
            T::Variant(index) => &self.types[index].info,
            T::Option(index) => &self.types[index].info,
            T::Result(index) => &self.types[index].info,
            T::Enum(index) => &self.types[index].info,
            _ => bail!("not a variant"),
        };
        let discriminant = match u32::from(info.size) {
            1 => self.read::<1>(offset)?[0].into(),
            2 => u16::from_le_bytes(self.read(offset)?).into(),
            _ => u32::from_le_bytes(self.read(offset)?),
        };
        match self.case(ty, discriminant)? {
            Some(payload) => self.memory(payload, offset + info.payload_offset32 as usize),
            None => Ok(()),
        }
    }
}

fn words<const N: usize>(stored: &[u8], each: impl FnMut([u8; N])) {
    let (words, _) = stored.as_chunks::<N>();
    words.iter().copied().for_each(each);
}

fn next<'v>(from: &mut &'v [ValRaw]) -> Result<&'v ValRaw> {
    let (first, rest) = from
        .split_first()
        .ok_or_else(|| format_err!("too few core values"))?;
    *from = rest;
    Ok(first)
}

fn pair(from: &mut &[ValRaw]) -> Result<(usize, usize)> {
    let pointer = next(from)?.get_u32() as usize;
    Ok((pointer, next(from)?.get_u32() as usize))
}
