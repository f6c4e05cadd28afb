//! Random values of any type, with a liking for the edges.

use wasmtime::component::Val;
use wasmtime::component::types::Type;

pub enum Random<'a> {
    Seed(u64),
    /// What a fuzzer chose, and zeroes behind it.
    Given(&'a [u8]),
}

const EDGES: [i64; 20] = [
    0,
    1,
    -1,
    63,
    64,
    -64,
    -65,
    127,
    128,
    -128,
    255,
    256,
    8191,
    8192,
    -8193,
    i32::MAX as i64,
    i32::MIN as i64,
    i64::MAX,
    i64::MIN,
    u32::MAX as i64,
];

const CHARS: [char; 12] = [
    '\0',
    'a',
    '\u{7f}',
    '\u{80}',
    '\u{7ff}',
    '\u{800}',
    '\u{d7ff}',
    '\u{e000}',
    '\u{ffff}',
    '\u{10000}',
    '\u{10ffff}',
    'ż',
];

impl Random<'_> {
    #[cfg_attr(not(test), expect(dead_code, reason = "only tests choose by a seed"))]
    pub fn new(seed: u64) -> Random<'static> {
        Random::Seed(seed)
    }

    pub fn next(&mut self) -> u64 {
        match self {
            Random::Seed(seed) => {
                *seed ^= *seed << 13;
                *seed ^= *seed >> 7;
                *seed ^= *seed << 17;
                *seed
            }
            Random::Given(bytes) => take(bytes, 8),
        }
    }

    pub fn below(&mut self, limit: usize) -> usize {
        match self {
            Random::Seed(_) => (self.next() >> 11) as usize % limit,
            Random::Given(bytes) => take(bytes, 2) as usize % limit,
        }
    }

    fn integer(&mut self) -> i64 {
        match self.below(3) {
            0 => self.next() as i64,
            _ => EDGES[self.below(EDGES.len())],
        }
    }

    fn float32(&mut self) -> f32 {
        match self.below(6) {
            0 => f32::NAN,
            1 => -0.0,
            2 => f32::NEG_INFINITY,
            3 => f32::from_bits(0xffa5_1234),
            4 => 1e-40,
            _ => f32::from_bits(self.next() as u32),
        }
    }

    fn float64(&mut self) -> f64 {
        match self.below(6) {
            0 => f64::NAN,
            1 => -0.0,
            2 => f64::INFINITY,
            3 => f64::from_bits(0xfff5_1234_5678_9abc),
            4 => 5e-324,
            _ => f64::from_bits(self.next()),
        }
    }
}

fn take(bytes: &mut &[u8], count: usize) -> u64 {
    (0..count).fold(0, |taken, _| {
        taken << 8 | u64::from(bytes.split_off_first().copied().unwrap_or(0))
    })
}

pub fn value(ty: &Type, random: &mut Random) -> Val {
    match ty {
        Type::Bool => Val::Bool(random.below(2) == 1),
        Type::U8 => Val::U8(random.integer() as u8),
        Type::S8 => Val::S8(random.integer() as i8),
        Type::U16 => Val::U16(random.integer() as u16),
        Type::S16 => Val::S16(random.integer() as i16),
        Type::U32 => Val::U32(random.integer() as u32),
        Type::S32 => Val::S32(random.integer() as i32),
        Type::U64 => Val::U64(random.integer() as u64),
        Type::S64 => Val::S64(random.integer()),
        Type::Float32 => Val::Float32(random.float32()),
        Type::Float64 => Val::Float64(random.float64()),
        Type::Char => Val::Char(CHARS[random.below(CHARS.len())]),
        Type::String => {
            let chars = (0..random.below(6)).map(|_| ['a', 'ż', '€', '😀', '\0'][random.below(5)]);
            Val::String(chars.collect())
        }
        Type::List(list) => {
            let count = [0, 1, 2, 5, 130][random.below(5)];
            Val::List((0..count).map(|_| value(&list.ty(), random)).collect())
        }
        Type::Record(record) => {
            let fields = record.fields();
            Val::Record(
                fields
                    .map(|f| (f.name.to_owned(), value(&f.ty, random)))
                    .collect(),
            )
        }
        Type::Tuple(tuple) => Val::Tuple(tuple.types().map(|ty| value(&ty, random)).collect()),
        Type::Variant(variant) => {
            let index = random.below(variant.cases().count());
            let case = variant.cases().nth(index).unwrap();
            Val::Variant(case.name.to_owned(), payload(case.ty, random))
        }
        Type::Enum(names) => {
            let count = names.names().count();
            let index = match random.below(2) {
                0 => count - 1,
                _ => random.below(count),
            };
            Val::Enum(names.names().nth(index).unwrap().to_owned())
        }
        Type::Option(option) => match random.below(2) {
            0 => Val::Option(None),
            _ => Val::Option(payload(Some(option.ty()), random)),
        },
        Type::Result(result) => Val::Result(match random.below(2) {
            0 => Ok(payload(result.ok(), random)),
            _ => Err(payload(result.err(), random)),
        }),
        Type::Flags(flags) => {
            let set = flags.names().filter(|_| random.below(2) == 1);
            Val::Flags(set.map(str::to_owned).collect())
        }
        _ => panic!("{ty:?}"),
    }
}

fn payload(ty: Option<Type>, random: &mut Random) -> Option<Box<Val>> {
    ty.map(|ty| Box::new(value(&ty, random)))
}
