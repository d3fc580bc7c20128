//! Answers made small, against a dictionary of what all of them say.
//!
//! In: bytes, or a frame that was made here. Out: a sixth or a seventh of them as a frame (RFC 8878), in 5 µs; or the same bytes
//! again, in 2. Field names, sentences, endpoints and the entropy tables are in the dictionary; what is left of an answer is hashes.
//!
//! The dictionary is data, so that the first answer is packed as well as the last and nothing is learnt from what clients ask:
//! `just dictionary URL...` trains it on the answers of servers. It is never sent, and frames never leave the process: train it anew
//! whenever answers have changed much, which a test tells.

use std::cell::RefCell;
use std::sync::{Arc, LazyLock};

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};

#[cfg(test)]
mod age;

static DICTIONARY: &[u8] = include_bytes!("../data/answers.dictionary");

/// Level 3 takes a quarter longer and saves a fiftieth.
const LEVEL: i32 = 1;

static PACKING: LazyLock<EncoderDictionary<'static>> = LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
static UNPACKING: LazyLock<DecoderDictionary<'static>> = LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));

/// Makes bytes small. `None` where that fails, which costs no more than that they are not kept.
pub(crate) fn pack(bytes: &[u8]) -> Option<Arc<[u8]>> {
    thread_local! {
        static PACKER: RefCell<Option<Compressor<'static>>> =
            RefCell::new(Compressor::with_prepared_dictionary(&PACKING).ok());
        /// Where a frame is written before its length is known.
        static ROOM: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    PACKER.with_borrow_mut(|packer| {
        ROOM.with_borrow_mut(|room| {
            room.clear();
            room.reserve(zstd::zstd_safe::compress_bound(bytes.len()));
            packer.as_mut()?.compress_to_buffer(bytes, room).ok()?;
            Some(room.as_slice().into())
        })
    })
}

/// The bytes again, of which there are so many.
pub(crate) fn unpack(frame: &[u8], length: usize) -> Option<Vec<u8>> {
    thread_local! {
        static UNPACKER: RefCell<Option<Decompressor<'static>>> =
            RefCell::new(Decompressor::with_prepared_dictionary(&UNPACKING).ok());
    }
    let bytes = UNPACKER.with_borrow_mut(|unpacker| unpacker.as_mut()?.decompress(frame, length).ok())?;
    (bytes.len() == length).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked() {
        let check = |bytes: &[u8]| {
            let frame = pack(bytes).unwrap();
            assert_eq!(unpack(&frame, bytes.len()).as_deref(), Some(bytes));
            assert_eq!(unpack(&frame, bytes.len() + 1), None, "another length is another answer");
            assert_eq!(unpack(&frame, bytes.len().saturating_sub(1)).filter(|_| !bytes.is_empty()), None);
        };
        check(b"");
        check(b"{\"certificateId\":\"pkg_x\"}");
        check(&b"0123456789abcdef".repeat(100_000));
        assert_eq!(unpack(b"no frame", 8), None);
    }
}
