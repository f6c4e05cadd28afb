//! What a type looks like: whether it can cross, how many core values it takes, and whether bytes
//! are an encoding of it.

use std::sync::Arc;

use wasmtime::component::ResourceType;
use wasmtime::component::types::Type;
use wasmtime::{Result, bail};

use super::MAX_FLAT;
use super::reader::{Reader, out_of_range, truncated};

pub enum Shape {
    Bool,
    Byte,
    SignedByte,
    Unsigned(u32),
    Signed(u32),
    Float32,
    Float64,
    Char,
    String,
    List(Box<Shape>),
    Fields(Vec<Shape>),
    Cases(Vec<Option<Shape>>),
    Flags(usize),
    Own(ResourceType),
    Borrow(ResourceType),
    Stream(Option<Arc<Shape>>),
    Future(Option<Arc<Shape>>),
    /// An input stream of WASI 0.2 that changes hands: outside, a stream of bytes.
    Input,
}

fn shared(ty: Option<Type>, inputs: &[ResourceType]) -> Result<Option<Arc<Shape>>> {
    ty.map(|ty| Ok(Arc::new(Shape::of(&ty, inputs)?)))
        .transpose()
}

impl Shape {
    /// `inputs` are the resources that are input streams. The error says which kind of type cannot
    /// cross.
    pub fn of(ty: &Type, inputs: &[ResourceType]) -> Result<Shape> {
        let case = |ty: Option<Type>| ty.map(|ty| Shape::of(&ty, inputs)).transpose();
        Ok(match ty {
            Type::Bool => Shape::Bool,
            Type::U8 => Shape::Byte,
            Type::S8 => Shape::SignedByte,
            Type::U16 => Shape::Unsigned(16),
            Type::U32 => Shape::Unsigned(32),
            Type::U64 => Shape::Unsigned(64),
            Type::S16 => Shape::Signed(16),
            Type::S32 => Shape::Signed(32),
            Type::S64 => Shape::Signed(64),
            Type::Float32 => Shape::Float32,
            Type::Float64 => Shape::Float64,
            Type::Char => Shape::Char,
            Type::String => Shape::String,
            Type::List(list) => Shape::List(Box::new(Shape::of(&list.ty(), inputs)?)),
            Type::Record(record) => {
                let fields = record.fields().map(|field| Shape::of(&field.ty, inputs));
                Shape::Fields(fields.collect::<Result<_>>()?)
            }
            Type::Tuple(tuple) => Shape::tuple(tuple.types(), inputs)?,
            Type::Variant(variant) => {
                let cases = variant.cases().map(|each| case(each.ty));
                Shape::Cases(cases.collect::<Result<_>>()?)
            }
            Type::Enum(names) => Shape::Cases(names.names().map(|_| None).collect()),
            Type::Option(option) => {
                Shape::Cases(vec![None, Some(Shape::of(&option.ty(), inputs)?)])
            }
            Type::Result(result) => Shape::Cases(vec![case(result.ok())?, case(result.err())?]),
            Type::Flags(flags) => Shape::Flags(flags.names().len()),
            Type::Own(resource) if inputs.contains(resource) => Shape::Input,
            Type::Own(resource) => Shape::Own(*resource),
            Type::Borrow(resource) => Shape::Borrow(*resource),
            Type::Stream(stream) => Shape::Stream(shared(stream.ty(), inputs)?),
            Type::Future(future) => Shape::Future(shared(future.ty(), inputs)?),
            Type::Map(_) => bail!("a map cannot cross"),
            Type::FixedLengthList(_) => bail!("a list of fixed length cannot cross"),
            Type::ErrorContext => bail!("an error-context cannot cross"),
        })
    }

    pub fn tuple(types: impl Iterator<Item = Type>, inputs: &[ResourceType]) -> Result<Shape> {
        let fields = types.map(|ty| Shape::of(&ty, inputs));
        Ok(Shape::Fields(fields.collect::<Result<_>>()?))
    }

    /// Core values it takes; more than `MAX_FLAT` if it goes through memory.
    pub fn flat_count(&self) -> usize {
        let count = match self {
            Shape::String | Shape::List(_) => 2,
            Shape::Fields(fields) => fields
                .iter()
                .fold(0, |sum, field| (sum + field.flat_count()).min(MAX_FLAT + 1)),
            Shape::Cases(cases) => {
                let payloads = cases.iter().flatten().map(Shape::flat_count);
                1 + payloads.max().unwrap_or(0)
            }
            Shape::Flags(labels) => labels.div_ceil(32),
            _ => 1,
        };
        count.min(MAX_FLAT + 1)
    }

    /// Whether some part of it, however deep, is such a one.
    pub fn any(&self, is: &mut impl FnMut(&Shape) -> bool) -> bool {
        is(self)
            || match self {
                Shape::List(element) => element.any(is),
                Shape::Fields(fields) => fields.iter().any(|field| field.any(is)),
                Shape::Cases(cases) => cases.iter().flatten().any(|case| case.any(is)),
                Shape::Stream(item) | Shape::Future(item) => {
                    item.as_ref().is_some_and(|item| item.any(is))
                }
                _ => false,
            }
    }

    pub fn has_channels(&self) -> bool {
        self.any(&mut |shape| matches!(shape, Shape::Stream(_) | Shape::Future(_) | Shape::Input))
    }

    /// Why its streams and futures cannot cross, if they cannot.
    pub fn check_channels(&self) -> Result<()> {
        let mut why = None;
        self.any(&mut |shape| {
            if let Shape::Stream(item) | Shape::Future(item) = shape {
                why = why.or(match item {
                    None => Some("a stream or future without a type cannot cross"),
                    Some(item) if item.has_channels() => {
                        Some("streams and futures in the items of a stream or future cannot cross")
                    }
                    Some(item) if item.has_handles() => {
                        Some("resources in the items of a stream or future cannot cross")
                    }
                    Some(_) => None,
                });
            }
            false
        });
        match why {
            Some(why) => bail!("{why}"),
            None => Ok(()),
        }
    }

    fn has_handles(&self) -> bool {
        self.any(&mut |shape| matches!(shape, Shape::Own(_) | Shape::Borrow(_)))
    }

    /// Checks that the next value is one of this type. `handle` judges each handle of a resource.
    pub fn check(
        &self,
        from: &mut Reader<'_>,
        handle: &mut impl FnMut(&Shape, &[u8]) -> Result<()>,
    ) -> Result<()> {
        match self {
            Shape::Bool => from.bool().map(|_| ()),
            Shape::Byte | Shape::SignedByte => from.skip(1),
            Shape::Unsigned(bits) => from.unsigned(*bits).map(|_| ()),
            Shape::Signed(bits) => from.signed(*bits).map(|_| ()),
            Shape::Float32 => from.skip(4),
            Shape::Float64 => from.skip(8),
            Shape::Char => from.char().map(|_| ()),
            Shape::String => {
                let size = from.count()?;
                std::str::from_utf8(&from.take(size)?)?;
                Ok(())
            }
            Shape::List(element) => check_list(element, from, handle),
            Shape::Fields(fields) => fields
                .iter()
                .try_for_each(|field| field.check(from, handle)),
            Shape::Cases(cases) => match cases.get(from.count()?) {
                Some(Some(payload)) => payload.check(from, handle),
                Some(None) => Ok(()),
                None => Err(out_of_range("case")),
            },
            Shape::Flags(labels) => check_flags(*labels, from),
            Shape::Own(_) | Shape::Borrow(_) => {
                let size = from.count()?;
                handle(self, &from.take(size)?)
            }
            Shape::Stream(item) => match (from.byte()?, item) {
                (_, None) => bail!("a stream without items cannot cross"),
                (0, _) => Ok(()),
                (1, Some(item)) => check_list(item, from, handle),
                _ => Err(out_of_range("stream")),
            },
            Shape::Input => match from.byte()? {
                0 => Ok(()),
                1 => check_list(&Shape::Byte, from, handle),
                _ => Err(out_of_range("stream")),
            },
            Shape::Future(value) => match (from.byte()?, value) {
                (0, _) => Ok(()),
                (1, Some(value)) => value.check(from, handle),
                _ => Err(out_of_range("future")),
            },
        }
    }
}

fn check_list(
    element: &Shape,
    from: &mut Reader<'_>,
    handle: &mut impl FnMut(&Shape, &[u8]) -> Result<()>,
) -> Result<()> {
    let count = from.count()?;
    match element {
        Shape::Byte | Shape::SignedByte => return from.skip(count),
        Shape::Float32 => return from.skip(count.saturating_mul(4)),
        Shape::Float64 => return from.skip(count.saturating_mul(8)),
        // Every other value takes a byte at least.
        _ if !from.holds(count) => return Err(truncated()),
        _ => {}
    }
    (0..count).try_for_each(|_| element.check(from, handle))
}

fn check_flags(labels: usize, from: &mut Reader<'_>) -> Result<()> {
    for byte in 0..labels.div_ceil(8) {
        let known = (labels - byte * 8).min(8);
        if u32::from(from.byte()?) >> known != 0 {
            return Err(out_of_range("set of flags"));
        }
    }
    Ok(())
}
