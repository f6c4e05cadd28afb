//! A guest whose export number k passes its parameter to import number k, and returns what that
//! returns: for types of every kind, alone, in lists and nested.

use std::fmt::Write;

use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::Type;

fn repeated(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(" ")
}

fn flags(count: usize) -> String {
    format!(
        "(flags {})",
        repeated(count, |index| format!("\"f{index}\""))
    )
}

fn definitions() -> Vec<(&'static str, String)> {
    let enumeration = repeated(300, |index| format!("\"c{index}\""));
    let cases = repeated(299, |index| {
        format!("(case \"c{index}\" s{})", [8, 16, 32, 64][index % 4])
    });
    vec![
        ("f1", flags(1)),
        ("f7", flags(7)),
        ("f8", flags(8)),
        ("f9", flags(9)),
        ("f16", flags(16)),
        ("f17", flags(17)),
        ("f31", flags(31)),
        ("f32x", flags(32)),
        ("e1", "(enum \"a\")".into()),
        ("e3", "(enum \"a\" \"b\" \"c\")".into()),
        ("e300", format!("(enum {enumeration})")),
        (
            "v1",
            "(variant (case \"a\") (case \"b\" u8) (case \"c\" s64) (case \"d\" f32)
               (case \"e\" f64) (case \"f\" string))"
                .into(),
        ),
        (
            "v2",
            "(variant (case \"x\" $v1) (case \"y\" (option $v1))
               (case \"z\" (result $v1 (error char))) (case \"w\" (tuple s8 s16 s32 s64))
               (case \"q\" (list $v1)))"
                .into(),
        ),
        ("v300", format!("(variant (case \"p\" f32) {cases})")),
        (
            "r1",
            "(record (field \"a\" s8) (field \"b\" $f9) (field \"c\" $e300) (field \"d\" f64)
               (field \"e\" char) (field \"f\" $v2))"
                .into(),
        ),
    ]
}

/// The types in text.
pub fn types() -> Vec<String> {
    let simple = "bool u8 s8 u16 s16 u32 s32 u64 s64 f32 f64 char string";
    let mut types: Vec<String> = simple.split(' ').map(str::to_owned).collect();
    types.extend(definitions().iter().map(|(name, _)| format!("${name}")));
    let lists: Vec<String> = types.iter().map(|ty| format!("(list {ty})")).collect();
    types.extend(lists);
    let nested = [
        "(option (option bool))",
        "(result)",
        "(result u8)",
        "(result (error s16))",
        "(result f32 (error f64))",
        "(result f32 (error u32))",
        "(option f32)",
        "(tuple u8 $v1 s8 $f17 char $f1)",
        "(list (tuple f32 s8 char $f9 $e3))",
        "(tuple $r1 $r1 $r1)",
        "(list $r1)",
        "(list (option (result $v2 (error string))))",
        // 17 and 16 core values.
        "(tuple s8 s16 s32 s64 u8 u16 u32 u64 f32 f64 char bool $f8 $e3 (option char) s8)",
        "(tuple s8 s16 s32 s64 u8 u16 u32 u64 f32 f64 char bool $f8 $e3 (option char))",
        "(list (list (list s64)))",
    ];
    types.extend(nested.map(str::to_owned));
    types
}

fn import(types: &[String]) -> String {
    let mut text = String::from("(import \"t\" (instance $t ");
    for (name, definition) in definitions() {
        writeln!(
            text,
            "(type ${name}' {definition}) (export \"{name}\" (type ${name} (eq ${name}')))"
        )
        .unwrap();
    }
    for (index, ty) in types.iter().enumerate() {
        writeln!(
            text,
            "(export \"i{index}\" (func (param \"x\" {ty}) (result {ty})))"
        )
        .unwrap();
    }
    text + "))"
}

pub fn declarations(types: &[String]) -> String {
    format!("(component {})", import(types))
}

/// The core types that a value takes.
fn flat(ty: &Type, out: &mut Vec<&'static str>) {
    match ty {
        Type::U64 | Type::S64 => out.push("i64"),
        Type::Float32 => out.push("f32"),
        Type::Float64 => out.push("f64"),
        Type::String | Type::List(_) => out.extend(["i32", "i32"]),
        Type::Record(record) => record.fields().for_each(|field| flat(&field.ty, out)),
        Type::Tuple(tuple) => tuple.types().for_each(|ty| flat(&ty, out)),
        Type::Variant(variant) => joined(variant.cases().map(|case| case.ty), out),
        Type::Option(option) => joined([None, Some(option.ty())], out),
        Type::Result(result) => joined([result.ok(), result.err()], out),
        _ => out.push("i32"),
    }
}

fn joined(cases: impl IntoIterator<Item = Option<Type>>, out: &mut Vec<&'static str>) {
    out.push("i32");
    let start = out.len();
    for case in cases.into_iter().flatten() {
        let mut own = Vec::new();
        flat(&case, &mut own);
        for (index, ty) in own.into_iter().enumerate() {
            match out.get_mut(start + index) {
                None => out.push(ty),
                Some(known) if *known == ty => {}
                Some(known) if matches!((*known, ty), ("i32", "f32") | ("f32", "i32")) => {
                    *known = "i32";
                }
                Some(known) => *known = "i64",
            }
        }
    }
}

const LIBC: &str = r#"
  (core module $libc
    (memory (export "memory") 128)
    (global $top (mut i32) (i32.const 2097152))
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.sub (local.get 2) (i32.const 1)))
                              (i32.sub (i32.const 0) (local.get 2))))
      (global.set $top (i32.add (local.get $at) (local.get 3)))
      (if (i32.gt_u (global.get $top) (i32.const 8000000))
        (then (local.set $at (i32.const 2097152))
              (global.set $top (i32.add (local.get $at) (local.get 3)))))
      (memory.copy (local.get $at) (local.get 0) (local.get 1))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  (alias core export $libc "memory" (core memory $mem))
  (alias core export $libc "realloc" (core func $realloc))"#;

pub fn text(types: &[Type], encoding: &str) -> String {
    let names = self::types();
    let options =
        format!("(memory $mem) string-encoding={encoding} (realloc (core func $realloc))");
    let (mut lowered, mut passed, mut lifted) = (String::new(), String::new(), String::new());
    let (mut imports, mut bodies) = (String::new(), String::new());
    for (index, ty) in types.iter().enumerate() {
        let mut values = Vec::new();
        flat(ty, &mut values);
        let params = if values.len() > 16 {
            vec!["i32"]
        } else {
            values.clone()
        };
        let gets = repeated(params.len(), |param| format!("(local.get {param})"));
        let params = params.join(" ");
        let (address, result, returned) = match values[..] {
            [result] => ("", result, ""),
            _ => (" i32", "", "(i32.const 1024)"),
        };
        let result = match result {
            "" => String::new(),
            result => format!("(result {result})"),
        };
        let exported = match returned {
            "" => result.clone(),
            _ => "(result i32)".to_owned(),
        };
        let name = &names[index];
        let function = format!("\"i{index}\" (func $i{index} (param {params}{address}) {result})");
        write!(imports, "(import \"h\" {function})").unwrap();
        let called = format!("(call $i{index} {gets} {returned}) {returned}");
        let export = format!("(export \"e{index}\") (param {params}) {exported}");
        write!(bodies, "(func {export} {called})").unwrap();
        let lower = format!("(canon lower (func $t \"i{index}\") {options})");
        write!(lowered, "(core func $c{index} {lower})").unwrap();
        write!(passed, "(export \"i{index}\" (func $c{index}))").unwrap();
        let ty = format!("(param \"x\" {name}) (result {name})");
        let lift = format!("(canon lift (core func $i \"e{index}\") {options})");
        write!(lifted, "(func (export \"e{index}\") {ty} {lift})").unwrap();
    }
    let aliases: String = definitions()
        .iter()
        .map(|(name, _)| format!("(alias export $t \"{name}\" (type ${name}))"))
        .collect();
    let import = import(&names);
    format!(
        "(component {import} {aliases} {LIBC} {lowered}
           (core module $m (import \"libc\" \"memory\" (memory 128)) {imports} {bodies})
           (core instance $i (instantiate $m
             (with \"libc\" (instance $libc)) (with \"h\" (instance {passed}))))
           {lifted})"
    )
}

pub fn compile(engine: &Engine, text: &str) -> Component {
    Component::new(engine, wat::parse_str(text).unwrap()).unwrap()
}
