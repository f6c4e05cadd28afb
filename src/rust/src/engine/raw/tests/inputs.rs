//! Input streams of WASI 0.2, which are streams of bytes in the encoding.

use std::sync::{Arc, Mutex};

use wasmtime::component::types::{ComponentItem, Type};
use wasmtime::component::{Component, Linker, ResourceType};
use wasmtime::{Engine, StoreContextMut};
use wasmtime_wasi::p2::DynInputStream;

use super::super::{Channel, Content, Data, Lowerable, RawLift, RawLower, Recycled, Shape};
use super::{Guest, guest, plain_engine, types_of};

/// The type of the import's parameter, and the resource `r`.
fn declared(engine: &Engine, ty: &str) -> (Type, ResourceType) {
    let text = format!(
        "(component (import \"t\" (instance (export \"r\" (type $r (sub resource))) \
         (type $body (record (field \"name\" string) (field \"content\" (own $r)))) \
         (export \"body\" (type $named (eq $body))) \
         (export \"i0\" (func (param \"x\" {ty}))))))"
    );
    let component = guest::compile(engine, &text);
    let declared = component.component_type();
    let import = declared.get_import(engine, "t").unwrap();
    let ComponentItem::ComponentInstance(instance) = import.ty else {
        panic!("an instance");
    };
    let exported = instance.get_export(engine, "r").unwrap();
    let ComponentItem::Resource(resource) = exported.ty else {
        panic!("a resource");
    };
    (types_of(engine, &component, 1)[0].clone(), resource)
}

#[test]
fn they_stand_wherever_streams_of_bytes_do() {
    let engine = plain_engine();
    for (ty, bytes, paths) in [
        ("(own $r)", &b"\0"[..], &[&[][..]][..]),
        ("$named", b"\x04file\0", &[&[1]]),
        ("(option (own $r))", b"\0", &[]),
        ("(option (own $r))", b"\x01\0", &[&[]]),
        (
            "(list (tuple u8 (own $r)))",
            b"\x02\x07\0\x08\0",
            &[&[0, 1], &[1, 1]],
        ),
    ] {
        let (ty, resource) = declared(&engine, ty);
        let shape = Shape::of(&ty, &[resource]).unwrap();
        assert!(shape.has_channels());
        shape.check_channels().unwrap();
        let found = shape.channels(&Data::copy_of(bytes)).unwrap();
        let at: Vec<_> = found.iter().map(|found| found.path.as_slice()).collect();
        assert_eq!(at, paths);
        for found in found {
            assert!(matches!(found.content, Content::Input));
            assert!(found.inline.is_none());
        }
    }
}

#[test]
fn one_that_is_there_as_a_whole_is_a_list() {
    let engine = plain_engine();
    let (ty, resource) = declared(&engine, "(own $r)");
    let shape = Shape::of(&ty, &[resource]).unwrap();
    let found = shape.channels(&Data::copy_of(b"\x01\x03abc")).unwrap();
    assert_eq!(found[0].inline.as_deref(), Some(&b"\x03abc\0"[..]));
    assert!(shape.channels(&Data::copy_of(b"\x02\x03abc")).is_err());
    assert!(shape.channels(&Data::copy_of(b"\x01\x04abc")).is_err());
}

#[test]
fn one_that_is_lent_is_a_resource_still() {
    let engine = plain_engine();
    let (ty, resource) = declared(&engine, "(borrow $r)");
    let shape = Shape::of(&ty, &[resource]).unwrap();
    assert!(!shape.has_channels() && shape.any(&mut |part| matches!(part, Shape::Borrow(_))));
}

/// Passes what it gets to the import `i0`, and back what that returns.
const ECHO: &str = r#"(component
  (import "t" (instance $t
    (export "r" (type $r (sub resource)))
    (export "i0" (func (param "x" (own $r)) (result (own $r))))))
  (alias export $t "r" (type $r))
  (core func $i0 (canon lower (func $t "i0")))
  (func (export "e0") (param "x" (own $r)) (result (own $r)) (canon lift (core func $i0))))"#;

fn one(channel: Channel) -> Recycled<Lowerable> {
    let mut values: Recycled<Lowerable> = Data::copy_of(b"\0").into();
    values.channels.push((channel, 1));
    values
}

#[test]
fn they_pass_through_a_guest_both_ways() {
    let engine = plain_engine();
    let component: Component = guest::compile(&engine, ECHO);
    let seen = Arc::new(Mutex::new(None));
    let mut linker = Linker::<()>::new(&engine);
    let mut instance = linker.instance("t").unwrap();
    let ty = ResourceType::host::<DynInputStream>();
    instance.resource("r", ty, |_, _| Ok(())).unwrap();
    let at_import = seen.clone();
    instance
        .func_wrap(
            "i0",
            move |_: StoreContextMut<()>, mut params: RawLift<1, false>| {
                let bytes = params.0.wire().to_vec();
                *at_import.lock().unwrap() = Some((bytes, params.0.channels.pop()));
                Ok(RawLower::<1, false>(one(Channel::Input(77))))
            },
        )
        .unwrap();
    let mut guest = Guest::new(&component, &linker);
    let typed = guest
        .function(0)
        .typed::<RawLower<16, true>, RawLift<1, true>>(&guest.store)
        .unwrap();
    let params = RawLower::<16, true>(one(Channel::Input(5)));
    let returned = typed.call(&mut guest.store, params).unwrap();

    let (bytes, channel) = seen.lock().unwrap().take().unwrap();
    assert_eq!(bytes, b"\0");
    assert!(matches!(channel, Some(Channel::Input(5))));
    assert_eq!(returned.0.wire(), b"\0");
    assert!(returned.0.resources.is_empty() && returned.0.large.is_empty());
    assert!(matches!(returned.0.channels[..], [Channel::Input(77)]));
}
