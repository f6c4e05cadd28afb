//! Finding the streams and futures in encoded values.

use std::sync::Arc;

use wasmtime::{Result, bail};

use super::reader::Reader;
use super::{Data, Shape};

/// Of one set of parameters or results.
const MAX_CHANNELS: usize = 1000;

/// What comes through a stream or future.
#[derive(Clone)]
pub enum Content {
    /// A stream of bytes.
    Bytes,
    /// The same, for a guest that knows it as an input stream.
    Input,
    Items(Arc<Shape>),
    /// A future's.
    Value(Arc<Shape>),
}

pub struct Found {
    /// The positions that lead to it.
    pub path: Vec<u32>,
    pub content: Content,
    /// The bytes that it takes among the values.
    pub size: usize,
    /// All that will ever come, as a channel of its own would bring it; none: it is pending.
    pub inline: Option<Vec<u8>>,
}

impl Shape {
    /// In the order in which they stand in `data`, which is one value of this type.
    pub fn channels(&self, data: &Data) -> Result<Vec<Found>> {
        let mut finder = Finder {
            from: data.reader(),
            path: Vec::new(),
            found: Vec::new(),
        };
        finder.walk(self)?;
        Ok(finder.found)
    }
}

struct Finder<'a> {
    from: Reader<'a>,
    path: Vec<u32>,
    found: Vec<Found>,
}

impl Finder<'_> {
    fn walk(&mut self, shape: &Shape) -> Result<()> {
        match shape {
            Shape::Fields(fields) => self.each(fields.iter()),
            Shape::List(element) if element.has_channels() => {
                let count = self.from.count()?;
                if count > MAX_CHANNELS {
                    bail!("more than {MAX_CHANNELS} values with streams or futures");
                }
                self.each(std::iter::repeat_n(&**element, count))
            }
            Shape::Cases(cases) => match cases.get(self.from.count()?) {
                Some(Some(payload)) => self.walk(payload),
                _ => Ok(()),
            },
            Shape::Stream(Some(item)) => {
                let content = match **item {
                    Shape::Byte => Content::Bytes,
                    _ => Content::Items(item.clone()),
                };
                self.channel(shape, content)
            }
            Shape::Input => self.channel(shape, Content::Input),
            Shape::Future(Some(value)) => self.channel(shape, Content::Value(value.clone())),
            _ => shape.check(&mut self.from, &mut |_, _| Ok(())),
        }
    }

    fn each<'s>(&mut self, parts: impl Iterator<Item = &'s Shape>) -> Result<()> {
        for (position, part) in parts.enumerate() {
            self.path.push(position as u32);
            self.walk(part)?;
            self.path.pop();
        }
        Ok(())
    }

    fn channel(&mut self, shape: &Shape, content: Content) -> Result<()> {
        if self.found.len() >= MAX_CHANNELS {
            bail!("more than {MAX_CHANNELS} streams and futures");
        }
        let mut ahead = self.from.clone();
        shape.check(&mut self.from, &mut |_, _| Ok(()))?;
        let size = ahead.remaining() - self.from.remaining();
        let mut bytes = vec![0; size];
        ahead.copy_to(&mut bytes)?;
        let pending = bytes.first() == Some(&0);
        let inline = (!pending).then(|| {
            let mut all = bytes.split_off(1);
            // A list that is empty is the end itself.
            if !matches!(content, Content::Value(_)) && all != [0] {
                all.push(0);
            }
            all
        });
        self.found.push(Found {
            path: self.path.clone(),
            content,
            size,
            inline,
        });
        Ok(())
    }
}
