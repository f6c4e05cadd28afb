//! Kinds of types that no encoding is known for.

use wasmtime::component::Component;
use wasmtime::{Config, Engine};

use super::super::Shape;
use super::types_of;

#[test]
fn kinds_that_cannot_cross_are_refused_by_name() {
    let mut config = Config::new();
    config.wasm_component_model_map(true);
    config.wasm_component_model_fixed_length_lists(true);
    config.wasm_component_model_error_context(true);
    let engine = Engine::new(&config).unwrap();
    for (ty, name) in [
        ("(map string u32)", "a map"),
        ("(list u8 4)", "a list of fixed length"),
        ("error-context", "an error-context"),
        ("(option (list (map string u32)))", "a map"),
    ] {
        let import = format!("(import \"t\" (instance (export \"i0\" (func (param \"x\" {ty})))))");
        let wasm = wat::parse_str(format!("(component {import})")).unwrap();
        let component = Component::new(&engine, wasm).unwrap();
        let ty = &types_of(&engine, &component, 1)[0];
        let error = Shape::of(ty, &[]).err().expect("it is refused").to_string();
        assert!(error.contains(name), "{error}");
    }
}

/// Wasmtime's own gate: pointers are taken for 32 bits wide wherever values are read or written.
#[test]
fn guests_with_a_memory_of_64_bits_are_refused() {
    let component = |index: &str| {
        let text = format!(
            "(component
               (import \"t\" (func $t (param \"x\" string)))
               (core module $libc (memory (export \"memory\") {index} 1))
               (core instance $libc (instantiate $libc))
               (core func (canon lower (func $t) (memory $libc \"memory\"))))"
        );
        Component::new(&Engine::default(), wat::parse_str(text).unwrap())
    };
    assert!(component("").is_ok());
    let error = component("i64").expect_err("it is refused");
    assert!(
        format!("{error:#}").contains("64-bit memories"),
        "{error:#}"
    );
}

#[test]
fn streams_of_what_cannot_cross_are_refused_by_name() {
    let mut config = Config::new();
    config.wasm_component_model_async(true);
    let engine = Engine::new(&config).unwrap();
    for (ty, name) in [
        ("(stream u8)", None),
        ("(list (future (list string)))", None),
        ("(stream)", Some("without a type")),
        ("(option (future))", Some("without a type")),
        (
            "(stream (tuple u8 (stream u8)))",
            Some("streams and futures in the items"),
        ),
        (
            "(future (option (stream u8)))",
            Some("streams and futures in the items"),
        ),
        ("(stream (own $r))", Some("resources in the items")),
    ] {
        let import = format!(
            "(import \"t\" (instance (export \"r\" (type $r (sub resource))) \
             (export \"i0\" (func (param \"x\" {ty})))))"
        );
        let wasm = wat::parse_str(format!("(component {import})")).unwrap();
        let component = Component::new(&engine, wasm).unwrap();
        let ty = &types_of(&engine, &component, 1)[0];
        let checked = Shape::of(ty, &[]).unwrap().check_channels();
        let refused = checked.err().map(|error| error.to_string());
        match name {
            None => assert_eq!(refused, None),
            Some(name) => assert!(refused.is_some_and(|why| why.contains(name)), "{name}"),
        }
    }
}
