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
        let error = Shape::of(ty).err().expect("it is refused").to_string();
        assert!(error.contains(name), "{error}");
    }
}
