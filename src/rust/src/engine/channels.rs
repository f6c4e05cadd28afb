//! The streams and futures among the values of one call.

use wasmtime::component::{FutureAny, FutureReader, StreamAny, StreamReader};
use wasmtime::{AsContextMut, Result, bail};

use super::host::Host;
use super::inlet::{ByteProducer, Channels, Inlet, ItemProducer, ValueProducer};
use super::input_stream;
use super::outlet::{self, ByteConsumer, ItemConsumer, Outlet, ValueConsumer};
use super::pulled::Pulled;
use super::raw::{Channel, Content, Data, Found, Lifted, RawItem, Shape};

/// Input streams that an instance has given away and that are not at their end.
const MOST_GIVEN: usize = 1000;

/// What a function takes and returns, if there are streams or futures in it.
pub struct Signature {
    pub params: Shape,
    pub results: Shape,
}

/// See `NimbusOutgoing`.
#[repr(C)]
pub struct Outgoing {
    path: *const u32,
    path_length: usize,
    outlet: *mut Outlet,
}

const _: () = assert!(size_of::<Outgoing>() == 24);

/// Streams and futures of a guest, by their paths.
#[derive(Default)]
pub struct Outlets(Vec<(Vec<u32>, Outlet)>);

impl Outlets {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Shows them to C++, whose the outlets become.
    pub fn hand_over(self, to: impl FnOnce(&[Outgoing])) {
        if self.0.is_empty() {
            return to(&[]);
        }
        let (paths, outlets): (Vec<_>, Vec<_>) = self.0.into_iter().unzip();
        let list: Vec<_> = paths
            .iter()
            .zip(outlets)
            .map(|(path, outlet): (&Vec<u32>, _)| Outgoing {
                path: path.as_ptr(),
                path_length: path.len(),
                outlet: Box::into_raw(Box::new(outlet)),
            })
            .collect();
        to(&list);
    }
}

/// Has what a guest sent in `lifted` flow to C++.
pub fn outlets(
    mut store: impl AsContextMut<Data = Host>,
    shape: &Shape,
    lifted: &mut Lifted,
) -> Result<Outlets> {
    if lifted.channels.is_empty() {
        return Ok(Outlets::default());
    }
    lifted.cut_lead();
    let bytes = Data::Buffer(std::mem::take(&mut lifted.bytes));
    let found = shape.channels(&bytes)?;
    lifted.bytes = bytes.into_buffer();
    if found.len() != lifted.channels.len() {
        bail!("internal: streams were miscounted");
    }
    let mut out = Vec::with_capacity(found.len());
    for (found, channel) in found.into_iter().zip(lifted.channels.drain(..)) {
        let life = store.as_context_mut().data().life.clone();
        if let Channel::Input(rep) = channel {
            if life.given() >= MOST_GIVEN {
                bail!("more than {MOST_GIVEN} input-streams are given away at once");
            }
            let stream = input_stream::take(&mut store.as_context_mut().data_mut().table, rep)?;
            out.push((found.path, Outlet::Pulled(Pulled::new(stream, life))));
            continue;
        }
        let (inflow, outlet) = outlet::open(life);
        match (channel, found.content) {
            (Channel::Stream(stream), Content::Bytes) => stream
                .try_into_stream_reader::<u8>()?
                .pipe(&mut store, ByteConsumer(inflow))?,
            (Channel::Stream(stream), _) => stream
                .try_into_stream_reader::<RawItem>()?
                .pipe(&mut store, ItemConsumer::new(inflow))?,
            (Channel::Future(future), _) => future
                .try_into_future_reader::<RawItem>()?
                .pipe(&mut store, ValueConsumer(inflow))?,
            (Channel::Input(_), _) => {}
        }
        out.push((found.path, outlet));
    }
    Ok(Outlets(out))
}

/// What C++ sends along with `data`.
pub struct Arriving {
    inlet: Inlet,
    content: Content,
    size: usize,
}

/// Finds the channels of values from C++; needs no instance.
pub fn arriving(shape: &Shape, data: &Data, channels: &Channels) -> Result<Vec<Arriving>> {
    let found = shape.channels(data)?.into_iter();
    found
        .map(|found| {
            let Found {
                path,
                content,
                size,
                inline,
            } = found;
            let inlet = match inline {
                Some(bytes) => Some(Inlet::of(bytes)),
                None => channels.take(&path),
            };
            let Some(inlet) = inlet else {
                bail!("nothing is sent for the stream or future at {path:?}");
            };
            Ok(Arriving {
                inlet,
                content,
                size,
            })
        })
        .collect()
}

/// Gives them to a guest.
pub fn inlets(
    mut store: impl AsContextMut<Data = Host>,
    arriving: Vec<Arriving>,
) -> Result<Vec<(Channel, usize)>> {
    let mut made = Vec::with_capacity(arriving.len());
    for Arriving {
        inlet,
        content,
        size,
    } in arriving
    {
        let channel = match content {
            Content::Bytes => {
                let reader = StreamReader::new(&mut store, ByteProducer::new(inlet))?;
                Channel::Stream(StreamAny::try_from_stream_reader(&mut store, reader)?)
            }
            Content::Input => {
                let mut store = store.as_context_mut();
                Channel::Input(input_stream::give(&mut store.data_mut().table, inlet)?)
            }
            Content::Items(item) => {
                let reader = StreamReader::new(&mut store, ItemProducer::new(inlet, item))?;
                Channel::Stream(StreamAny::try_from_stream_reader(&mut store, reader)?)
            }
            Content::Value(value) => {
                let reader = FutureReader::new(&mut store, ValueProducer::new(inlet, value))?;
                Channel::Future(FutureAny::try_from_future_reader(&mut store, reader)?)
            }
        };
        made.push((channel, size));
    }
    Ok(made)
}
