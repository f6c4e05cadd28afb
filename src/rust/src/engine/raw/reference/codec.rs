//! The wRPC encoding of `Val`, written from its specification alone.

use wasmtime::component::Val;
use wasmtime::component::types::Type;

fn put_unsigned(out: &mut Vec<u8>, mut value: u64) {
    loop {
        let byte = (value % 128) as u8;
        value /= 128;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte + 128);
    }
}

fn put_signed(out: &mut Vec<u8>, value: i64) {
    // As many groups of seven bits as hold the number and its sign.
    let mut groups = 1;
    while !(-(1i128 << (groups * 7 - 1))..1i128 << (groups * 7 - 1)).contains(&i128::from(value)) {
        groups += 1;
    }
    for group in 0..groups {
        let bits = ((i128::from(value) >> (group * 7)) & 127) as u8;
        out.push(if group + 1 < groups { bits + 128 } else { bits });
    }
}

fn get_unsigned(from: &mut &[u8]) -> u64 {
    let (mut value, mut scale) = (0u128, 1u128);
    loop {
        let byte = get(from, 1)[0];
        value += u128::from(byte % 128) * scale;
        scale *= 128;
        if byte < 128 {
            return value.try_into().unwrap();
        }
    }
}

fn get_signed(from: &mut &[u8]) -> i64 {
    let (mut value, mut scale) = (0i128, 1i128);
    loop {
        let byte = get(from, 1)[0];
        value += i128::from(byte % 128) * scale;
        scale *= 128;
        if byte < 128 {
            if byte >= 64 {
                value -= scale;
            }
            return value.try_into().unwrap();
        }
    }
}

fn get<'a>(from: &mut &'a [u8], count: usize) -> &'a [u8] {
    let (taken, rest) = from.split_at(count);
    *from = rest;
    taken
}

fn canonical32(value: f32) -> u32 {
    if value.is_nan() {
        0x7fc0_0000
    } else {
        value.to_bits()
    }
}

fn canonical64(value: f64) -> u64 {
    if value.is_nan() {
        0x7ff8_0000_0000_0000
    } else {
        value.to_bits()
    }
}

pub fn encode(ty: &Type, value: &Val, out: &mut Vec<u8>) {
    match (ty, value) {
        (_, Val::Bool(value)) => out.push(u8::from(*value)),
        (_, Val::U8(value)) => out.push(*value),
        (_, Val::S8(value)) => out.extend(value.to_le_bytes()),
        (_, Val::U16(value)) => put_unsigned(out, (*value).into()),
        (_, Val::U32(value)) => put_unsigned(out, (*value).into()),
        (_, Val::U64(value)) => put_unsigned(out, *value),
        (_, Val::S16(value)) => put_signed(out, (*value).into()),
        (_, Val::S32(value)) => put_signed(out, (*value).into()),
        (_, Val::S64(value)) => put_signed(out, *value),
        (_, Val::Float32(value)) => out.extend(canonical32(*value).to_le_bytes()),
        (_, Val::Float64(value)) => out.extend(canonical64(*value).to_le_bytes()),
        (_, Val::Char(value)) => out.extend(value.to_string().bytes()),
        (_, Val::String(value)) => {
            put_unsigned(out, value.len() as u64);
            out.extend(value.bytes());
        }
        (Type::List(ty), Val::List(values)) => {
            put_unsigned(out, values.len() as u64);
            values.iter().for_each(|value| encode(&ty.ty(), value, out));
        }
        (Type::Record(ty), Val::Record(values)) => {
            for (field, (_, value)) in ty.fields().zip(values) {
                encode(&field.ty, value, out);
            }
        }
        (Type::Tuple(ty), Val::Tuple(values)) => {
            for (field, value) in ty.types().zip(values) {
                encode(&field, value, out);
            }
        }
        (Type::Variant(ty), Val::Variant(name, payload)) => {
            let (index, case) = ty.cases().enumerate().find(|c| c.1.name == *name).unwrap();
            put_unsigned(out, index as u64);
            encode_payload(case.ty, payload, out);
        }
        (Type::Enum(ty), Val::Enum(name)) => {
            put_unsigned(
                out,
                ty.names().position(|each| each == *name).unwrap() as u64,
            );
        }
        (Type::Option(ty), Val::Option(payload)) => {
            out.push(u8::from(payload.is_some()));
            encode_payload(Some(ty.ty()), payload, out);
        }
        (Type::Result(ty), Val::Result(Ok(payload))) => {
            out.push(0);
            encode_payload(ty.ok(), payload, out);
        }
        (Type::Result(ty), Val::Result(Err(payload))) => {
            out.push(1);
            encode_payload(ty.err(), payload, out);
        }
        (Type::Flags(ty), Val::Flags(set)) => {
            let mut bytes = vec![0; ty.names().count().div_ceil(8)];
            for (index, name) in ty.names().enumerate() {
                if set.iter().any(|each| *each == name) {
                    bytes[index / 8] |= 1 << (index % 8);
                }
            }
            out.extend(bytes);
        }
        _ => panic!("{ty:?} {value:?}"),
    }
}

fn encode_payload(ty: Option<Type>, payload: &Option<Box<Val>>, out: &mut Vec<u8>) {
    if let (Some(ty), Some(payload)) = (ty, payload) {
        encode(&ty, payload, out);
    }
}

pub fn decode(ty: &Type, from: &mut &[u8]) -> Val {
    let payload = |ty: Option<Type>, from: &mut &[u8]| ty.map(|ty| Box::new(decode(&ty, from)));
    match ty {
        Type::Bool => Val::Bool(match get(from, 1)[0] {
            0 => false,
            1 => true,
            other => panic!("bool {other}"),
        }),
        Type::U8 => Val::U8(get(from, 1)[0]),
        Type::S8 => Val::S8(get(from, 1)[0] as i8),
        Type::U16 => Val::U16(get_unsigned(from).try_into().unwrap()),
        Type::U32 => Val::U32(get_unsigned(from).try_into().unwrap()),
        Type::U64 => Val::U64(get_unsigned(from)),
        Type::S16 => Val::S16(get_signed(from).try_into().unwrap()),
        Type::S32 => Val::S32(get_signed(from).try_into().unwrap()),
        Type::S64 => Val::S64(get_signed(from)),
        Type::Float32 => Val::Float32(f32::from_le_bytes(get(from, 4).try_into().unwrap())),
        Type::Float64 => Val::Float64(f64::from_le_bytes(get(from, 8).try_into().unwrap())),
        Type::Char => {
            let size = match from[0].leading_ones() {
                0 => 1,
                size => size as usize,
            };
            let text = std::str::from_utf8(get(from, size)).unwrap();
            Val::Char(text.chars().next().unwrap())
        }
        Type::String => {
            let size = get_unsigned(from) as usize;
            Val::String(String::from_utf8(get(from, size).to_vec()).unwrap())
        }
        Type::List(ty) => {
            let count = get_unsigned(from);
            Val::List((0..count).map(|_| decode(&ty.ty(), from)).collect())
        }
        Type::Record(ty) => {
            let field = |field: wasmtime::component::types::Field<'_>| {
                (field.name.to_owned(), decode(&field.ty, from))
            };
            Val::Record(ty.fields().map(field).collect())
        }
        Type::Tuple(ty) => Val::Tuple(ty.types().map(|ty| decode(&ty, from)).collect()),
        Type::Variant(ty) => {
            let index = get_unsigned(from) as usize;
            let case = ty.cases().nth(index).unwrap();
            Val::Variant(case.name.to_owned(), payload(case.ty, from))
        }
        Type::Enum(ty) => {
            let index = get_unsigned(from) as usize;
            Val::Enum(ty.names().nth(index).unwrap().to_owned())
        }
        Type::Option(ty) => match get_unsigned(from) {
            0 => Val::Option(None),
            1 => Val::Option(payload(Some(ty.ty()), from)),
            other => panic!("option {other}"),
        },
        Type::Result(ty) => match get_unsigned(from) {
            0 => Val::Result(Ok(payload(ty.ok(), from))),
            1 => Val::Result(Err(payload(ty.err(), from))),
            other => panic!("result {other}"),
        },
        Type::Flags(ty) => {
            let bytes = get(from, ty.names().count().div_ceil(8));
            let is_set = |index: usize| bytes[index / 8] >> (index % 8) & 1 == 1;
            let names = ty.names().enumerate().filter(|(index, _)| is_set(*index));
            Val::Flags(names.map(|(_, name)| name.to_owned()).collect())
        }
        _ => panic!("{ty:?}"),
    }
}

/// Whether they are equal, where `expected` may hold any NaN and `got` the canonical one.
pub fn same(got: &Val, expected: &Val) -> bool {
    let payloads = |got: &Option<Box<Val>>, expected: &Option<Box<Val>>| match (got, expected) {
        (None, None) => true,
        (Some(got), Some(expected)) => same(got, expected),
        _ => false,
    };
    match (got, expected) {
        (Val::Float32(got), Val::Float32(expected)) => got.to_bits() == canonical32(*expected),
        (Val::Float64(got), Val::Float64(expected)) => got.to_bits() == canonical64(*expected),
        (Val::List(got), Val::List(expected)) | (Val::Tuple(got), Val::Tuple(expected)) => {
            got.len() == expected.len() && got.iter().zip(expected).all(|(a, b)| same(a, b))
        }
        (Val::Record(got), Val::Record(expected)) => {
            let fields = got.iter().zip(expected);
            got.len() == expected.len()
                && fields
                    .into_iter()
                    .all(|(a, b)| a.0 == b.0 && same(&a.1, &b.1))
        }
        (Val::Variant(a, got), Val::Variant(b, expected)) => a == b && payloads(got, expected),
        (Val::Option(got), Val::Option(expected)) => payloads(got, expected),
        (Val::Result(Ok(got)), Val::Result(Ok(expected)))
        | (Val::Result(Err(got)), Val::Result(Err(expected))) => payloads(got, expected),
        (Val::Result(_), Val::Result(_)) => false,
        _ => got == expected,
    }
}
