//! From the wRPC encoding to guest memory.

use std::mem::MaybeUninit;

use wasmtime::component::__internal::wasmtime_environ::component::StringEncoding;
use wasmtime::component::__internal::{ComponentTypes, InterfaceType as T, LowerContext};
use wasmtime::component::{Lower, ResourceAny};
use wasmtime::{Error, Result, ValRaw, bail, format_err};

use super::Channel;
use super::reader::{Reader, out_of_range, truncated};
use super::value::is_input;
use crate::engine::handles;

/// `EXPORT`: whose resources they are was found out before; else they are those of the host.
pub struct Lowerer<'c, 'a, 'r, U: 'static, const EXPORT: bool> {
    context: &'c mut LowerContext<'a, U>,
    types: &'a ComponentTypes,
    from: Reader<'r>,
    resources: &'r [ResourceAny],
    channels: &'r [(Channel, usize)],
    encoding: Option<StringEncoding>,
    // The guest's memory, renewed after whatever may have moved it.
    base: *mut u8,
    size: usize,
}

/// What a guest's string can be at most.
const MAX_STRING_BYTES: usize = (1 << 31) - 1;

#[cold]
fn out_of_bounds() -> Error {
    format_err!("pointer out of bounds of memory")
}

impl<'c, 'a, 'r, U: 'static, const EXPORT: bool> Lowerer<'c, 'a, 'r, U, EXPORT> {
    pub fn new(
        context: &'c mut LowerContext<'a, U>,
        from: Reader<'r>,
        resources: &'r [ResourceAny],
        channels: &'r [(Channel, usize)],
    ) -> Self {
        let types = context.types;
        Lowerer {
            context,
            types,
            from,
            resources,
            channels,
            encoding: None,
            base: std::ptr::null_mut(),
            size: 0,
        }
    }

    pub fn end(self) -> Result<()> {
        self.from.end()
    }

    fn refresh(&mut self) {
        let memory = self.context.as_slice_mut();
        self.size = memory.len();
        self.base = memory.as_mut_ptr();
    }

    pub fn realloc(&mut self, align: u32, size: usize) -> Result<usize> {
        let pointer = self.context.realloc(0, 0, align, size)?;
        self.refresh();
        Ok(pointer)
    }

    fn window(&mut self, offset: usize, count: usize) -> Result<&mut [u8]> {
        if self.base.is_null() {
            self.refresh();
        }
        if offset > self.size || count > self.size - offset {
            return Err(out_of_bounds());
        }
        // SAFETY: within the memory as it was last seen, which only `realloc` and the lowering of
        // strings by Wasmtime can change, and both refresh; borrowed as long as `self` is.
        Ok(unsafe { std::slice::from_raw_parts_mut(self.base.add(offset), count) })
    }

    fn put<const N: usize>(&mut self, offset: usize, value: [u8; N]) -> Result<()> {
        self.window(offset, N)?.copy_from_slice(&value);
        Ok(())
    }

    fn put_pair(&mut self, offset: usize, (pointer, length): (usize, usize)) -> Result<()> {
        let both = pointer as u64 | (length as u64) << 32;
        self.put(offset, both.to_le_bytes())
    }

    fn string(&mut self) -> Result<(usize, usize)> {
        let size = self.from.count()?;
        if size > MAX_STRING_BYTES {
            return Err(out_of_range("string"));
        }
        let bytes = self.from.take(size)?;
        let text = std::str::from_utf8(&bytes)?;
        let encoding = match self.encoding {
            Some(encoding) => encoding,
            None => *self.encoding.insert(self.context.options().string_encoding),
        };
        if !matches!(encoding, StringEncoding::Utf8) {
            return self.wide_string(text);
        }
        let pointer = self.realloc(1, size)?;
        self.window(pointer, size)?.copy_from_slice(text.as_bytes());
        Ok((pointer, size))
    }

    #[cold]
    fn wide_string(&mut self, text: &str) -> Result<(usize, usize)> {
        let mut raw = MaybeUninit::<[ValRaw; 2]>::uninit();
        text.linear_lower_to_flat(self.context, T::String, &mut raw)?;
        self.refresh();
        // SAFETY: initialised by a lowering that succeeded.
        let [pointer, length] = unsafe { raw.assume_init() };
        Ok((pointer.get_u32() as usize, length.get_u32() as usize))
    }

    /// Copies a list whose elements look in memory as they do in the encoding.
    fn bulk(&mut self, align: u32, size: usize) -> Result<usize> {
        if !self.from.holds(size) {
            return Err(truncated());
        }
        let pointer = self.realloc(align, size)?;
        let mut from = self.from.clone();
        from.copy_to(self.window(pointer, size)?)?;
        self.from = from;
        Ok(pointer)
    }

    fn list(&mut self, element: T) -> Result<(usize, usize)> {
        let count = self.from.count()?;
        let abi = self.types.canonical_abi(&element);
        let (size, align) = (abi.size32 as usize, abi.align32);
        let total = count
            .checked_mul(size)
            .ok_or_else(|| out_of_range("list"))?;
        if matches!(element, T::U8 | T::S8 | T::Float32 | T::Float64) {
            return Ok((self.bulk(align, total)?, count));
        }
        // Every element takes a byte at least.
        if !self.from.holds(count) {
            return Err(truncated());
        }
        let pointer = self.realloc(align, total)?;
        for index in 0..count {
            self.memory(element, pointer + index * size)?;
        }
        Ok((pointer, count))
    }

    fn channel(&mut self, ty: T) -> Result<u32> {
        let Some(((channel, size), rest)) = self.channels.split_first() else {
            bail!("a stream or future that nobody sends");
        };
        self.channels = rest;
        self.from.skip(*size)?;
        let mut raw = MaybeUninit::uninit();
        match (ty, channel) {
            (T::Stream(_), Channel::Stream(stream)) => {
                stream.linear_lower_to_flat(self.context, ty, &mut raw)?;
            }
            (T::Future(_), Channel::Future(future)) => {
                future.linear_lower_to_flat(self.context, ty, &mut raw)?;
            }
            (T::Own(table), Channel::Input(rep)) => {
                return self.context.guest_resource_lower_own(table, *rep);
            }
            _ => bail!("a stream stands for a future"),
        }
        // SAFETY: initialised by a lowering that succeeded.
        Ok(unsafe { raw.assume_init() }.get_u32())
    }

    fn resource(&mut self, ty: T) -> Result<u32> {
        match ty {
            T::Stream(_) | T::Future(_) => return self.channel(ty),
            T::Own(table) if is_input(self.context.resource_type(table)) => {
                return self.channel(ty);
            }
            _ => {}
        }
        let size = self.from.count()?;
        let handle = self.from.take(size)?;
        if EXPORT {
            let Some((resource, rest)) = self.resources.split_first() else {
                bail!("unknown handle");
            };
            self.resources = rest;
            let mut raw = MaybeUninit::uninit();
            resource.linear_lower_to_flat(self.context, ty, &mut raw)?;
            // SAFETY: initialised by a lowering that succeeded.
            return Ok(unsafe { raw.assume_init() }.get_u32());
        }
        match ty {
            T::Own(table) => {
                let rep = handles::rep_of(&handle, self.context.store.data_mut())?;
                self.context.guest_resource_lower_own(table, rep)
            }
            _ => bail!("a type that cannot cross"),
        }
    }

    /// The discriminant and the payload's type.
    fn case(&mut self, ty: T) -> Result<(u32, Option<T>)> {
        let discriminant = self.from.unsigned(32)? as u32;
        let payload = match ty {
            T::Option(index) => match discriminant {
                0 => None,
                1 => Some(self.types[index].ty),
                _ => return Err(out_of_range("case")),
            },
            T::Result(index) => match discriminant {
                0 => self.types[index].ok,
                1 => self.types[index].err,
                _ => return Err(out_of_range("case")),
            },
            T::Variant(index) => match self.types[index].cases.get_index(discriminant as usize) {
                Some((_, payload)) => *payload,
                None => return Err(out_of_range("case")),
            },
            T::Enum(index) if (discriminant as usize) < self.types[index].names.len() => None,
            _ => return Err(out_of_range("case")),
        };
        Ok((discriminant, payload))
    }

    /// The next word of a set of flags, of which `labels` are still to come.
    fn flags_word(&mut self, labels: usize) -> Result<u32> {
        let here = labels.min(32);
        let mut bytes = [0; 4];
        self.from.copy_to(&mut bytes[..here.div_ceil(8)])?;
        let word = u32::from_le_bytes(bytes);
        if here < 32 && word >> here != 0 {
            return Err(out_of_range("set of flags"));
        }
        Ok(word)
    }

    /// Writes a value as core values, in order.
    pub fn flat(&mut self, ty: T, to: &mut Slots<'_>) -> Result<()> {
        match ty {
            T::Bool => to.put(ValRaw::u32(self.from.bool()?.into())),
            T::U8 => to.put(ValRaw::u32(self.from.byte()?.into())),
            T::S8 => to.put(ValRaw::i32((self.from.byte()? as i8).into())),
            T::U16 | T::U32 => {
                let bits = if matches!(ty, T::U16) { 16 } else { 32 };
                to.put(ValRaw::u32(self.from.unsigned(bits)? as u32))
            }
            T::S16 | T::S32 => {
                let bits = if matches!(ty, T::S16) { 16 } else { 32 };
                to.put(ValRaw::i32(self.from.signed(bits)? as i32))
            }
            T::U64 => to.put(ValRaw::u64(self.from.unsigned(64)?)),
            T::S64 => to.put(ValRaw::i64(self.from.signed(64)?)),
            T::Float32 => to.put(ValRaw::f32(u32::from_le_bytes(self.from.array()?))),
            T::Float64 => to.put(ValRaw::f64(u64::from_le_bytes(self.from.array()?))),
            T::Char => to.put(ValRaw::u32(self.from.char()?.into())),
            T::String => {
                let text = self.string()?;
                to.put_pair(text)
            }
            T::List(index) => {
                let list = self.list(self.types[index].element)?;
                to.put_pair(list)
            }
            T::Record(index) => {
                for field in &self.types[index].fields {
                    self.flat(field.ty, to)?;
                }
                Ok(())
            }
            T::Tuple(index) => {
                for field in &self.types[index].types {
                    self.flat(*field, to)?;
                }
                Ok(())
            }
            T::Variant(_) | T::Option(_) | T::Result(_) | T::Enum(_) => {
                let abi = self.types.canonical_abi(&ty);
                let count = abi.flat_count.map_or(usize::MAX, usize::from);
                let end = to.at.saturating_add(count);
                let (discriminant, payload) = self.case(ty)?;
                to.put(ValRaw::u32(discriminant))?;
                if let Some(payload) = payload {
                    self.flat(payload, to)?;
                }
                // Slots of other cases are read by the guest too.
                while to.at < end {
                    to.put(ValRaw::u64(0))?;
                }
                Ok(())
            }
            T::Flags(index) => {
                let mut labels = self.types[index].names.len();
                while labels > 0 {
                    to.put(ValRaw::u32(self.flags_word(labels)?))?;
                    labels = labels.saturating_sub(32);
                }
                Ok(())
            }
            _ => to.put(ValRaw::u32(self.resource(ty)?)),
        }
    }

    /// Writes a value to memory.
    pub fn memory(&mut self, ty: T, offset: usize) -> Result<()> {
        match ty {
            T::String => {
                let text = self.string()?;
                self.put_pair(offset, text)
            }
            T::List(index) => {
                let list = self.list(self.types[index].element)?;
                self.put_pair(offset, list)
            }
            T::Record(index) => {
                let mut at = offset;
                for field in &self.types[index].fields {
                    let abi = self.types.canonical_abi(&field.ty);
                    self.memory(field.ty, abi.next_field32_size(&mut at))?;
                }
                Ok(())
            }
            T::Tuple(index) => {
                let mut at = offset;
                for field in &self.types[index].types {
                    let abi = self.types.canonical_abi(field);
                    self.memory(*field, abi.next_field32_size(&mut at))?;
                }
                Ok(())
            }
            T::Variant(_) | T::Option(_) | T::Result(_) | T::Enum(_) => self.variant(ty, offset),
            T::Flags(index) => {
                let flags = &self.types[index];
                let width = flags.abi.size32.min(4) as usize;
                let (mut labels, mut at) = (flags.names.len(), offset);
                while labels > 0 {
                    let word = self.flags_word(labels)?.to_le_bytes();
                    self.window(at, width)?.copy_from_slice(&word[..width]);
                    labels = labels.saturating_sub(32);
                    at += width;
                }
                Ok(())
            }
            T::Own(_) | T::Borrow(_) | T::Stream(_) | T::Future(_) => {
                let index = self.resource(ty)?;
                self.put(offset, index.to_le_bytes())
            }
            _ => self.scalar(ty, offset),
        }
    }

    fn scalar(&mut self, ty: T, offset: usize) -> Result<()> {
        match ty {
            T::Bool => {
                let value = self.from.bool()?;
                self.put(offset, [value.into()])
            }
            T::U8 | T::S8 => {
                let value = self.from.byte()?;
                self.put(offset, [value])
            }
            T::U16 => {
                let value = self.from.unsigned(16)? as u16;
                self.put(offset, value.to_le_bytes())
            }
            T::S16 => {
                let value = self.from.signed(16)? as i16;
                self.put(offset, value.to_le_bytes())
            }
            T::U32 => {
                let value = self.from.unsigned(32)? as u32;
                self.put(offset, value.to_le_bytes())
            }
            T::S32 => {
                let value = self.from.signed(32)? as i32;
                self.put(offset, value.to_le_bytes())
            }
            T::U64 => {
                let value = self.from.unsigned(64)?;
                self.put(offset, value.to_le_bytes())
            }
            T::S64 => {
                let value = self.from.signed(64)?;
                self.put(offset, value.to_le_bytes())
            }
            T::Float32 => {
                let value: [u8; 4] = self.from.array()?;
                self.put(offset, value)
            }
            T::Float64 => {
                let value: [u8; 8] = self.from.array()?;
                self.put(offset, value)
            }
            T::Char => {
                let value = u32::from(self.from.char()?);
                self.put(offset, value.to_le_bytes())
            }
            _ => bail!("a type that cannot cross"),
        }
    }

    fn variant(&mut self, ty: T, offset: usize) -> Result<()> {
        let info = match ty {
            T::Variant(index) => &self.types[index].info,
            T::Option(index) => &self.types[index].info,
            T::Result(index) => &self.types[index].info,
            T::Enum(index) => &self.types[index].info,
            _ => bail!("not a variant"),
        };
        let (discriminant, payload) = self.case(ty)?;
        match u32::from(info.size) {
            1 => self.put(offset, [discriminant as u8])?,
            2 => self.put(offset, (discriminant as u16).to_le_bytes())?,
            _ => self.put(offset, discriminant.to_le_bytes())?,
        }
        match payload {
            Some(payload) => self.memory(payload, offset + info.payload_offset32 as usize),
            None => Ok(()),
        }
    }
}

/// Core values that a guest gets, filled from the front.
pub struct Slots<'s> {
    slots: &'s mut [MaybeUninit<ValRaw>],
    at: usize,
}

impl<'s> Slots<'s> {
    pub fn new(slots: &'s mut [MaybeUninit<ValRaw>]) -> Slots<'s> {
        Slots { slots, at: 0 }
    }

    pub fn put(&mut self, value: ValRaw) -> Result<()> {
        let Some(slot) = self.slots.get_mut(self.at) else {
            bail!("too many core values");
        };
        slot.write(value);
        self.at += 1;
        Ok(())
    }

    // Pointers are read as 64 bits where the guest's memory has such.
    fn put_pair(&mut self, (pointer, length): (usize, usize)) -> Result<()> {
        self.put(ValRaw::i64(pointer as i64))?;
        self.put(ValRaw::i64(length as i64))
    }

    /// The guest may read every slot, also those that its type has no use for.
    pub fn fill(&mut self) {
        for slot in &mut self.slots[self.at..] {
            slot.write(ValRaw::u64(0));
        }
    }
}
