//! `wrpc:rpc/error`: how a guest gets as a value that a call to a provider failed. A function that
//! returns `result<T, error>` has only the T on the wire; the error is made here. Its resource is
//! known to Wasmtime as one of a provider's, whose handle is the text.

use wasmtime::component::types::{ComponentFunc, Type};
use wasmtime::component::{LinkerInstance, ResourceType};
use wasmtime::{Error, Result, bail};

use super::handles::Handles;
use super::host::Host;
use super::import_call::Answer;
use super::inlet::Channels;
use super::raw::{Data, Lifted, RawLift, RawLower, Shape, leb};

/// By the wRPC repository; drafts match exactly.
pub const INTERFACE: &str = "wrpc:rpc/error@0.1.0";

/// No provider's resources are as many.
const DYNAMIC_TYPE: u32 = u32::MAX;

/// Of a text; what is longer is cut.
const MAX_TEXT_BYTES: usize = 2048;

/// Defines the resource; dropping one concerns nobody else.
pub fn add_resource(instance: &mut LinkerInstance<'_, Host>, name: &str) -> Result<()> {
    if name != "error" {
        bail!("`{INTERFACE}` has no resource `{name}`");
    }
    let ty = ResourceType::host_dynamic(DYNAMIC_TYPE);
    instance.resource(name, ty, |mut store, rep| {
        store.data_mut().imports.handles.drop(rep, |_| {});
        Ok(())
    })
}

/// Adds a function of the interface, if its type is as it should be.
pub fn add_function(
    instance: &mut LinkerInstance<'_, Host>,
    name: &str,
    function: &ComponentFunc,
    error: Option<&ResourceType>,
    built_in: &[ResourceType],
) -> Result<()> {
    let params: Vec<Type> = function.params().map(|(_, ty)| ty).collect();
    let results: Vec<Type> = function.results().collect();
    let is_error = |resource: &ResourceType| Some(resource) == error;
    let answer: fn(&mut Handles, &mut Lifted) -> Result<Data> = match (name, &*params, &*results) {
        ("[method]error.to-debug-string", [Type::Borrow(of)], [Type::String]) if is_error(of) => {
            text
        }
        ("[static]error.from-io-error", [Type::Own(from)], [Type::Result(result)])
            if built_in.contains(from)
                && matches!(result.ok(), Some(Type::Own(of)) if is_error(&of))
                && matches!(result.err(), Some(Type::Own(of)) if of == *from) =>
        {
            mismatch
        }
        _ => bail!("`{INTERFACE}` has no function `{name}` of that type"),
    };
    instance.func_wrap(name, move |mut store, params| {
        let mut params: RawLift<1, false> = params;
        let data = answer(&mut store.data_mut().imports.handles, &mut params.0)?;
        let answer: RawLower<1, false> = RawLower(data.into());
        Ok(answer)
    })
}

/// On the wire a handle and a string look the same.
fn text(handles: &mut Handles, params: &mut Lifted) -> Result<Data> {
    handles.write_large(params)?;
    Ok(Data::Buffer(std::mem::take(&mut params.bytes)))
}

/// No error of a stream is one of these, so it is given back as it is.
fn mismatch(_: &mut Handles, params: &mut Lifted) -> Result<Data> {
    let mut bytes = vec![1];
    bytes.extend_from_slice(&params.bytes);
    Ok(Data::Buffer(bytes))
}

/// Whether a function returns `result<T, error>`.
pub fn can_fail(function: &ComponentFunc, error: Option<&ResourceType>) -> bool {
    let results: Vec<Type> = function.results().collect();
    match &*results {
        [Type::Result(result)] => {
            matches!(result.err(), Some(Type::Own(of)) if Some(&of) == error)
        }
        _ => false,
    }
}

/// The result of such a function from how its call ended. `results` is its type.
pub fn result_of(ended: Result<Answer>, results: &Shape) -> Answer {
    let checked = ended.and_then(|mut answer| {
        let data = std::mem::take(&mut answer.values.data);
        answer.values.data = data.tagged(0);
        let mut from = answer.values.data.reader();
        results.check(&mut from, &mut |_, _| Ok(()))?;
        if from.remaining() != 0 {
            bail!("the provider's answer is longer than its type");
        }
        Ok(answer)
    });
    checked.unwrap_or_else(|error| failed(&error))
}

fn failed(error: &Error) -> Answer {
    let mut text = format!("{error:#}");
    text.truncate(text.floor_char_boundary(MAX_TEXT_BYTES));
    // Four bytes might be taken for a number.
    if text.len() == 4 {
        text.push('.');
    }
    let mut bytes = vec![1];
    leb::unsigned(&mut bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
    Answer {
        values: Data::Buffer(bytes).into(),
        channels: Channels::NONE,
    }
}
