//! The bounds, where only Rust code can reach: most tests stand beside the C++ wrappers.

use crate::tools::abi::Source;
use crate::tools::{binary::walk, bounds::MAX_NESTING, stack::on_large_stack, wit_text};
use std::fmt::Write;
use wasmparser::Encoding;

const COMPONENT_HEADER: &[u8] = b"\0asm\x0d\0\x01\0";

/// A component with one type: an instance type in an instance type in …
fn nested_types(depth: usize) -> Vec<u8> {
    let mut section = vec![1, 0x42];
    for _ in 1..depth {
        section.extend([1, 0x01, 0x42]);
    }
    section.push(0);
    component_with_section(7, &section)
}

/// A component in a component in …
fn nested_components(depth: usize) -> Vec<u8> {
    let mut bytes = COMPONENT_HEADER.to_vec();
    for _ in 0..depth {
        bytes = component_with_section(4, &bytes);
    }
    bytes
}

fn component_with_section(id: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = COMPONENT_HEADER.to_vec();
    bytes.push(id);
    let mut size = contents.len();
    while size >= 0x80 {
        bytes.push(size as u8 | 0x80);
        size >>= 7;
    }
    bytes.push(size as u8);
    bytes.extend(contents);
    bytes
}

#[test]
fn types_nest_up_to_the_limit() {
    let walked = walk(&nested_types(MAX_NESTING - 1), |_, _| Ok(())).unwrap();
    assert_eq!(walked.encoding, Encoding::Component);
}

#[test]
fn types_that_would_exhaust_a_stack_are_refused() {
    let error = walk(&nested_types(10_000_000), |_, _| Ok(()))
        .err()
        .unwrap();
    assert!(error.to_string().contains("nested more than"), "{error}");
}

#[test]
fn a_panic_on_the_large_stack_reaches_the_caller() {
    let caught = std::panic::catch_unwind(|| on_large_stack::<()>(|| panic!("as intended")));
    assert_eq!(
        *caught.unwrap_err().downcast_ref::<&str>().unwrap(),
        "as intended"
    );
}

#[test]
fn components_nest_up_to_the_limit() {
    walk(&nested_components(MAX_NESTING - 1), |_, _| Ok(())).unwrap();
    let error = walk(&nested_components(MAX_NESTING), |_, _| Ok(()))
        .err()
        .unwrap();
    assert!(error.to_string().contains("nested more than"), "{error}");
}

#[test]
fn a_long_chain_of_types_does_not_exhaust_the_stack() {
    let mut text = String::from("package a:b;\ninterface i {\n  type t0 = u8;\n");
    for i in 1..50_000 {
        writeln!(text, "  type t{i} = list<t{}>;", i - 1).unwrap();
    }
    text.push_str("}\n");
    wit_text::json(&[Source {
        path: "chain.wit",
        text: &text,
    }])
    .unwrap();
}

#[test]
fn more_packages_than_the_limit_are_refused() {
    let mut text = String::from("package a:b;\n");
    for i in 0..1_000 {
        writeln!(text, "package p:p{i} {{ interface i {{ type t = u8; }} }}").unwrap();
    }
    let error = wit_text::json(&[Source {
        path: "many.wit",
        text: &text,
    }])
    .unwrap_err();
    assert!(error.to_string().contains("WIT packages"), "{error}");
}
