//! The instructions of a function that may speak of an address or of a function. Most others are
//! passed over by how much follows their opcodes, without a look at what they are.

use anyhow::{Result, ensure};
use std::ops::Range;
use wasmparser::{BinaryReader, Operator, OperatorsReader};

pub struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    /// From `at` on to the end. What an instruction consists of is checked where it is compiled.
    pub fn new(bytes: &'a [u8], at: usize) -> Self {
        Scan { bytes, at }
    }

    /// The next instruction that is not passed over, and where it is.
    pub fn next(&mut self) -> Result<Option<(Range<usize>, Operator<'a>)>> {
        while let Some(opcode) = self.bytes.get(self.at) {
            match self.past(*opcode) {
                Some(next) => self.at = next,
                None => return self.read().map(Some),
            }
        }
        ensure!(
            self.at == self.bytes.len(),
            "a function ends within an instruction"
        );
        Ok(None)
    }

    fn read(&mut self) -> Result<(Range<usize>, Operator<'a>)> {
        let from = self.at;
        let mut reader = OperatorsReader::new(BinaryReader::new(&self.bytes[from..], from));
        let operator = reader.read()?;
        self.at = reader.original_position();
        Ok((from..self.at, operator))
    }

    /// Where the next instruction is, if this one can be passed over (WebAssembly core
    /// specification, 5.4).
    fn past(&self, opcode: u8) -> Option<usize> {
        let at = self.at + 1;
        match opcode {
            // Control and parametric instructions, and those that compute.
            0x00 | 0x01 | 0x05 | 0x0b | 0x0f | 0x1a | 0x1b | 0x45..=0xc4 => Some(at),
            // Blocks of no type or one of a byte.
            0x02..=0x04 => self.is(at, |ty| matches!(ty, 0x40 | 0x7b..=0x7f)),
            // Branches, variables and tables, sizes of memories.
            0x0c | 0x0d | 0x20..=0x26 | 0x3f | 0x40 => Some(self.past_number(at)),
            // Calls through tables.
            0x11 => Some(self.past_number(self.past_number(at))),
            // Loads and stores of the first memory.
            0x28..=0x3e => {
                let offset = self.is(at, |align| align < 0x40)?;
                Some(self.past_number(offset))
            }
            // Constants of a byte: none is an address that matters.
            0x41 | 0x42 => self.is(at, |value| value < 0x80),
            0x43 => Some(at + size_of::<f32>()),
            0x44 => Some(at + size_of::<f64>()),
            // Saturating truncations.
            0xfc => self.is(at, |kind| kind < 0x08),
            _ => None,
        }
    }

    /// Behind the byte there, if it is such.
    fn is(&self, at: usize, such: impl Fn(u8) -> bool) -> Option<usize> {
        such(*self.bytes.get(at)?).then_some(at + 1)
    }

    /// Behind the LEB128 there.
    fn past_number(&self, mut at: usize) -> usize {
        while self.bytes.get(at).is_some_and(|byte| byte & 0x80 != 0) {
            at += 1;
        }
        at + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmparser::{Parser, Payload};

    fn speaks_of_a_number(operator: &Operator<'_>) -> bool {
        match operator {
            Operator::I32Const { value } => !(-64..64).contains(value),
            Operator::I64Const { value } => !(-64..64).contains(value),
            Operator::Call { .. }
            | Operator::ReturnCall { .. }
            | Operator::RefFunc { .. }
            | Operator::MemoryInit { .. }
            | Operator::DataDrop { .. }
            | Operator::TableInit { .. }
            | Operator::ElemDrop { .. } => true,
            _ => false,
        }
    }

    /// Where such instructions are, and what they are, as the library reads all and as a scan does.
    fn both(body: &str) -> (Vec<String>, Vec<String>) {
        let module = wat::parse_str(format!(
            r#"(module (import "a" "a" (func (param i32) (result i32)))
              (type $t (func (param i32) (result i32)))
              (memory 1) (memory $other 1) (table 300 funcref) (global (mut i32) (i32.const 0))
              (tag $e (param i32)) (data $d "x") (elem $s func 0)
              (func (param i32) (local i64 f32 v128) {body}))"#
        ));
        let module = module.unwrap();
        let code = Parser::new(0).parse_all(&module).find_map(|payload| {
            let Payload::CodeSectionEntry(body) = payload.unwrap() else {
                return None;
            };
            Some(body)
        });
        let code = code.unwrap();
        let begin = code.range().start;
        let mut reader = code.get_operators_reader().unwrap();
        let mut scan = Scan::new(code.as_bytes(), reader.original_position() - begin);
        let mut expected = Vec::new();
        while !reader.eof() {
            let from = reader.original_position() - begin;
            let operator = reader.read().unwrap();
            if speaks_of_a_number(&operator) {
                let to = reader.original_position() - begin;
                expected.push(format!("{from}..{to} {operator:?}"));
            }
        }
        let mut found = Vec::new();
        while let Some((range, operator)) = scan.next().unwrap() {
            if speaks_of_a_number(&operator) {
                found.push(format!("{}..{} {operator:?}", range.start, range.end));
            }
        }
        (expected, found)
    }

    #[test]
    fn finds_what_speaks_of_a_number_between_all_else() {
        // Immediates that look like calls and constants, which are 10, 41 and 42 in hexadecimals.
        let between = [
            "nop",
            "unreachable",
            "return",
            "(drop (i32.const 16))",
            "(drop (i64.const -42))",
            "(drop (i32.const 65))",
            "(drop (i64.const 0x1041424310))",
            "(drop (f32.const nan:0x104142))",
            "(drop (f64.const nan:0x10414210101))",
            "(local.set 0 (local.tee 0 (local.get 0)))",
            "(global.set 0 (global.get 0))",
            "(drop (i32.load offset=0x1041 align=1 (local.get 0)))",
            "(drop (i64.load8_u offset=0x424110 (local.get 0)))",
            "(f32.store $other offset=16 (local.get 0) (f32.const 1))",
            "(drop (memory.grow $other (memory.size)))",
            "(memory.copy $other 0 (local.get 0) (local.get 0) (local.get 0))",
            "(memory.fill (local.get 0) (local.get 0) (local.get 0))",
            "(memory.init $d (local.get 0) (local.get 0) (local.get 0))",
            "(data.drop $d)",
            "(table.init $s (local.get 0) (local.get 0) (local.get 0))",
            "(elem.drop $s)",
            "(table.set (local.get 0) (ref.func 0))",
            "(drop (table.get (local.get 0)))",
            "(drop (table.grow (ref.null func) (local.get 0)))",
            "(drop (ref.is_null (ref.null func)))",
            "(drop (i32.trunc_sat_f64_u (f64.const 16)))",
            "(i64.add128 (i64.const 16) (i64.const 65) (i64.const 16) (i64.const 66)) drop drop",
            "(i64.mul_wide_u (i64.const 0x1041) (i64.const 1)) drop drop",
            "(drop (i64.extend8_s (i64.extend_i32_u (i32.eqz (local.get 0)))))",
            "(drop (select (local.get 0) (local.get 0) (local.get 0)))",
            "(drop (select (result i32) (local.get 0) (local.get 0) (local.get 0)))",
            "(block (br_table 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 1 0 (local.get 0)))",
            "(loop (br_if 0 (local.get 0)))",
            "(block (result funcref) ref.null func) drop",
            "(drop (if (result i32) (local.get 0) (then (local.get 0)) (else (local.get 0))))",
            "(drop (local.get 0) (block (type $t) (drop) (local.get 0)))",
            "(try_table (catch_all 0))",
            "(throw $e (local.get 0))",
            "(drop (call_indirect (type $t) (local.get 0) (local.get 0)))",
            "(drop (call 0 (i32.const 4096)))",
            "(drop (i8x16.shuffle 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16 16
                (local.get 3) (v128.const i32x4 0x10414243 0x10101010 0x41414141 0x42424242)))",
            "(drop (i32.atomic.load offset=16 (local.get 0)))",
            "(return_call 0 (local.get 0))",
        ];
        for before in between {
            for behind in between {
                let (expected, found) = both(&format!(
                    "{before} (drop (call 0 (i32.const 1040))) {behind}"
                ));
                assert_eq!(expected, found, "{before} {behind}");
                assert!(expected.len() >= 2);
            }
        }
    }

    /// Whatever the opcode, and with each byte of interest behind it.
    #[test]
    fn passes_over_as_much_as_the_library_reads() {
        let mut passed = 0;
        for opcode in 0..=0xff_u8 {
            for next in [
                0x00, 0x01, 0x02, 0x07, 0x08, 0x3f, 0x40, 0x41, 0x63, 0x6f, 0x70, 0x7b, 0x7c, 0x7f,
                0x80, 0xff,
            ] {
                for more in [
                    &[0x00][..],
                    &[0x10, 0x41],
                    &[0x80, 0x10],
                    &[0xff, 0xff, 0x7f],
                    &[0x80, 0x80, 0x80, 0x80, 0x10],
                ] {
                    let code = [&[opcode, next][..], more, &[0; 32]].concat();
                    let Some(end) = Scan::new(&code, 0).past(opcode) else {
                        continue;
                    };
                    let mut reader = OperatorsReader::new(BinaryReader::new(&code, 0));
                    if reader.read().is_ok() {
                        assert_eq!(end, reader.original_position(), "{code:x?}");
                        passed += 1;
                    }
                }
            }
        }
        assert!(passed > 10_000, "{passed}");
    }

    #[test]
    fn an_instruction_that_is_cut_short_is_an_error() {
        for code in [
            &[0x20][..],
            &[0x43, 0, 0, 0],
            &[0x41, 0x80],
            &[0xfc],
            &[0x28, 0x02, 0x80],
        ] {
            assert!(Scan::new(code, 0).next().is_err(), "{code:x?}");
        }
        assert!(Scan::new(&[0x0b], 0).next().unwrap().is_none());
    }
}
