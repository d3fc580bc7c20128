//! The memory of a process under test, as it stands while the process waits: addresses, texts, lists of texts.
//!
//! All of it is an attacker's and may change while it is read: it is copied once, bounded, and decided on the copy.

use std::io;

use super::sys::read_memory;

/// The longest path, with its end.
const PATH: usize = 4096;
/// Of the arguments of a program, what is read, bytes and number.
const ARGUMENTS: usize = 256 << 10;
const COUNT: usize = 4096;

/// Exactly these bytes, or nothing.
pub fn bytes(pid: i32, address: u64, length: usize) -> io::Result<Vec<u8>> {
    let got = read_memory(pid, address, length)?;
    if got.len() == length { Ok(got) } else { Err(io::Error::from_raw_os_error(libc::EFAULT)) }
}

/// A text that ends with NUL, cut at `limit`.
fn text_bytes(pid: i32, address: u64, limit: usize) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    let mut step = 256;
    while out.len() < limit {
        let want = step.min(limit - out.len());
        let piece = read_memory(pid, address.wrapping_add(out.len() as u64), want)?;
        if let Some(end) = piece.iter().position(|byte| *byte == 0) {
            out.extend_from_slice(&piece[..end]);
            return Ok(out);
        }
        let short = piece.len() < want;
        out.extend(piece);
        if short {
            break;
        }
        step = 4096;
    }
    Ok(out)
}

/// A path.
pub fn path(pid: i32, address: u64) -> io::Result<Vec<u8>> {
    text_bytes(pid, address, PATH)
}

/// The list of arguments of a program, bounded in number and in bytes.
pub fn arguments(pid: i32, address: u64) -> io::Result<Vec<Vec<u8>>> {
    let (mut out, mut left) = (Vec::new(), ARGUMENTS);
    if address == 0 {
        return Ok(out);
    }
    while out.len() < COUNT {
        let at = address.wrapping_add(8 * out.len() as u64);
        let batch = read_memory(pid, at, 8 * 16.min(COUNT - out.len()))?;
        for pointer in batch.chunks_exact(8) {
            let pointer = u64::from_ne_bytes(pointer.try_into().unwrap_or_default());
            if pointer == 0 || left == 0 {
                return Ok(out);
            }
            let text = text_bytes(pid, pointer, left)?;
            left = left.saturating_sub(text.len() + 1);
            out.push(text);
        }
        if batch.len() < 8 {
            break;
        }
    }
    Ok(out)
}

/// A message as `sendmsg` takes it: where it goes, and its data up to `limit` bytes.
pub struct Message {
    /// The bytes of the address; empty where there is none.
    pub address: Vec<u8>,
    pub data: Vec<u8>,
    /// The length of the data as the sender sees it.
    pub length: u64,
    /// Whether it carries descriptors or the like.
    pub control: bool,
}

/// Reads `struct msghdr`. The data of a message without an address only where it is wanted.
pub fn message(pid: i32, address: u64, limit: usize, always: bool) -> io::Result<Message> {
    let header = bytes(pid, address, 56)?;
    let word = |at: usize| u64::from_ne_bytes(header[at..at + 8].try_into().unwrap_or_default());
    let (name, name_length, vector, count) = (word(0), word(8) as u32, word(16), word(24));
    let control = word(40) != 0;
    if name == 0 && !always {
        return Ok(Message { address: Vec::new(), data: Vec::new(), length: 0, control });
    }
    let target = if name == 0 { Vec::new() } else { bytes(pid, name, (name_length as usize).min(128))? };
    let (mut data, mut length) = (Vec::new(), 0u64);
    for index in 0..count.min(1024) {
        let piece = bytes(pid, vector.wrapping_add(16 * index), 16)?;
        let base = u64::from_ne_bytes(piece[..8].try_into().unwrap_or_default());
        let size = u64::from_ne_bytes(piece[8..].try_into().unwrap_or_default());
        length = length.saturating_add(size);
        if data.len() < limit {
            data.extend(read_memory(pid, base, (size as usize).min(limit - data.len()))?);
        }
    }
    Ok(Message { address: target, data, length, control })
}
