//! Bytes that are no encoding: refused by the check before a guest is entered, and by lowering,
//! alike.

use super::super::Data;
use super::super::reader::Reader;
use super::super::reference::codec::encode;
use super::super::reference::random::{Random, value};
use super::{Comparison, all_types, plain_engine};
use crate::abi::Str;

#[test]
fn the_check_agrees_with_lowering_about_damaged_values() {
    let engine = plain_engine();
    let types = all_types(&engine);
    let mut comparison = Comparison::new(&engine, &types, "utf8");
    let mut random = Random::new(0xfeed_beef_1234_5677);
    let (mut refused, mut accepted) = (0, 0);
    for (index, ty) in types.iter().enumerate() {
        for _ in 0..30 {
            let mut bytes = Vec::new();
            encode(ty, &value(ty, &mut random), &mut bytes);
            match random.below(4) {
                0 => bytes.truncate(random.below(bytes.len())),
                1 => bytes.push(random.next() as u8),
                _ => {
                    let at = random.below(bytes.len());
                    bytes[at] = random.next() as u8;
                }
            }
            match comparison.bytes(index, &bytes) {
                true => accepted += 1,
                false => refused += 1,
            }
        }
    }
    assert!(refused > 200 && accepted > 200, "{refused} {accepted}");
}

#[test]
fn numbers_have_their_range() {
    let read = |bytes: &[u8], bits: u32| Reader::new(bytes, &[]).unsigned(bits).ok();
    assert_eq!(read(&[0xff, 0xff, 0x03], 16), Some(0xffff));
    assert_eq!(read(&[0xff, 0xff, 0x04], 16), None);
    assert_eq!(read(&[0x80, 0x80, 0x80, 0x00], 16), None);
    assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0x0f], 32), Some(0xffff_ffff));
    assert_eq!(read(&[0xff, 0xff, 0xff, 0xff, 0x1f], 32), None);
    assert_eq!(
        read(
            &[0xff; 9].iter().copied().chain([1]).collect::<Vec<_>>(),
            64
        ),
        Some(u64::MAX)
    );
    assert_eq!(
        read(
            &[0xff; 9].iter().copied().chain([2]).collect::<Vec<_>>(),
            64
        ),
        None
    );
    assert_eq!(read(&[0x80], 32), None);

    let read = |bytes: &[u8], bits: u32| Reader::new(bytes, &[]).signed(bits).ok();
    assert_eq!(read(&[0x80, 0x80, 0x7e], 16), Some(-32768));
    assert_eq!(read(&[0xff, 0xff, 0x01], 16), Some(32767));
    assert_eq!(read(&[0x80, 0x80, 0x7d], 16), None);
    assert_eq!(read(&[0xff, 0xff, 0x02], 16), None);
    assert_eq!(
        read(&[0x80, 0x80, 0x80, 0x80, 0x78], 32),
        Some(i32::MIN.into())
    );
    assert_eq!(read(&[0x80, 0x80, 0x80, 0x80, 0x70], 32), None);
    let lowest = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7f];
    assert_eq!(read(&lowest, 64), Some(i64::MIN));
    let beyond = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x7e];
    assert_eq!(read(&beyond, 64), None);
}

#[test]
fn pieces_read_like_one() {
    let whole: Vec<u8> = (0..200u8).collect();
    let mut random = Random::new(77);
    for _ in 0..200 {
        let (mut pieces, mut rest) = (Vec::new(), whole.as_slice());
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(random.below(rest.len() + 1));
            pieces.push(Str::of(piece));
            rest = behind;
        }
        let mut reader = Reader::new(&[], &pieces);
        let all = reader.remaining();
        assert!(reader.holds(0) && reader.holds(all) && !reader.holds(all + 1));
        assert_eq!(reader.remaining(), 200);
        let mut read = Vec::new();
        while reader.remaining() > 0 {
            let count = random.below(reader.remaining() + 1);
            match random.below(3) {
                0 => read.push(reader.byte().unwrap()),
                1 => read.extend_from_slice(&reader.take(count).unwrap()),
                _ => {
                    let mut bytes = vec![0; count];
                    reader.copy_to(&mut bytes).unwrap();
                    read.extend(bytes);
                }
            }
        }
        assert_eq!(read, whole);
        assert!(reader.clone().byte().is_err());
        assert!(reader.clone().take(1).is_err());
        assert!(reader.end().is_ok());
    }
}

#[test]
fn copies_keep_their_bytes() {
    for size in [0, 1, 62, 63, 5000] {
        let bytes: Vec<u8> = (0..size).map(|index| index as u8).collect();
        let data = Data::copy_of(&bytes);
        assert_eq!(data.reader().remaining(), size);
        assert_eq!(*data.reader().take(size).unwrap(), bytes[..]);
    }
}
