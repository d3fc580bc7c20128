//! Decompression with bounded memory.
//!
//! In: a reader of packed bytes. Out: a reader of unpacked ones. Dictionaries and windows are capped, so that a header
//! of a few bytes cannot ask for gigabytes; everything else is bounded by who reads.

use std::io::{self, BufRead, Cursor, Read};

use flate2::bufread::{DeflateDecoder, GzDecoder};
use liblzma::stream::Stream;

use super::format::Codec;

/// Memory that an xz or LZMA decoder may take, in bytes. `xz -9` asks for 65 MiB.
const LZMA_MEMORY: u64 = 80 << 20;
/// Largest zstd window, as a power of two. 64 MiB: `zstd -19` takes 8 MiB.
const ZSTD_WINDOW_LOG: u32 = 26;

/// A compressed file: one stream or several in a row, then perhaps padding, then perhaps garbage.
pub(super) struct Streams<B: BufRead> {
    codec: Codec,
    state: State<B>,
    streams_left: u64,
    trailing: u64,
}

enum State<B: BufRead> {
    Gzip(GzDecoder<B>),
    Bzip2(bzip2::bufread::BzDecoder<B>),
    Xz(liblzma::bufread::XzDecoder<B>),
    Zstd(zstd::stream::read::Decoder<'static, B>),
    Done,
}

impl<B: BufRead> Streams<B> {
    /// Reads at most `streams` streams.
    pub fn new(codec: Codec, input: B, streams: u64) -> io::Result<Self> {
        Ok(Self { codec, state: State::new(codec, input)?, streams_left: streams, trailing: 0 })
    }

    /// Bytes after the last stream that are neither a stream nor zeros. Known once all was read.
    pub fn trailing(&self) -> u64 {
        self.trailing
    }

    /// One stream is over: goes on to the next, or counts what follows.
    fn next_stream(&mut self) -> io::Result<bool> {
        let mut input = match std::mem::replace(&mut self.state, State::Done) {
            State::Gzip(decoder) => decoder.into_inner(),
            State::Bzip2(decoder) => decoder.into_inner(),
            State::Xz(decoder) => decoder.into_inner(),
            State::Zstd(decoder) => decoder.finish(),
            State::Done => return Ok(false),
        };
        let first = loop {
            match input.fill_buf()?.first() {
                None => return Ok(false),
                // Tapes and some tools pad with zeros; every reader skips them.
                Some(0) => input.consume(1),
                Some(&byte) => break byte,
            }
        };
        if self.codec.may_start_with(first) {
            self.streams_left = self.streams_left.checked_sub(1).ok_or_else(|| io::Error::other("too many streams"))?;
            self.state = State::new(self.codec, input)?;
            return Ok(true);
        }
        self.trailing = io::copy(&mut input, &mut io::sink())?;
        Ok(false)
    }
}

impl<B: BufRead> Read for Streams<B> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = match &mut self.state {
                State::Gzip(decoder) => decoder.read(buffer),
                State::Bzip2(decoder) => decoder.read(buffer),
                State::Xz(decoder) => decoder.read(buffer),
                State::Zstd(decoder) => decoder.read(buffer),
                State::Done => return Ok(0),
            };
            // A decoder that failed must not be asked again: bzip2's goes on from a state that it has rejected.
            let read = read.inspect_err(|_| self.state = State::Done)?;
            if read > 0 || buffer.is_empty() || !self.next_stream()? {
                return Ok(read);
            }
        }
    }
}

impl<B: BufRead> State<B> {
    fn new(codec: Codec, input: B) -> io::Result<Self> {
        Ok(match codec {
            Codec::Gzip => Self::Gzip(GzDecoder::new(input)),
            Codec::Bzip2 => Self::Bzip2(bzip2::bufread::BzDecoder::new(input)),
            Codec::Xz => {
                let stream = Stream::new_stream_decoder(LZMA_MEMORY, 0)?;
                Self::Xz(liblzma::bufread::XzDecoder::new_stream(input, stream))
            }
            Codec::Zstd => {
                let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?.single_frame();
                decoder.window_log_max(ZSTD_WINDOW_LOG)?;
                Self::Zstd(decoder)
            }
        })
    }
}

impl Codec {
    fn may_start_with(self, first: u8) -> bool {
        match self {
            Self::Gzip => first == 0x1f,
            Self::Bzip2 => first == b'B',
            Self::Xz => first == 0xfd,
            // A skippable frame starts with 0x50 to 0x5f.
            Self::Zstd => first == 0x28 || first & 0xf0 == 0x50,
        }
    }
}

/// The content of a zip entry (APPNOTE 4.4.5), or `None` for a method that is not read.
pub(super) fn zip_entry<'a>(
    method: u16,
    mut packed: impl BufRead + 'a,
    size: u64,
) -> io::Result<Option<Box<dyn Read + 'a>>> {
    Ok(Some(match method {
        0 => Box::new(packed),
        8 => Box::new(DeflateDecoder::new(packed)),
        12 => Box::new(bzip2::bufread::BzDecoder::new(packed)),
        14 => {
            // APPNOTE 5.8.8: version, length of the properties, the properties; then the stream without the size
            // that an .lzma file has between them.
            let mut head = [0; 9];
            packed.read_exact(&mut head)?;
            if head[2..4] != [5, 0] {
                return Err(io::Error::other("LZMA properties are not 5 bytes long"));
            }
            let mut header = head[4..].to_vec();
            header.extend(size.to_le_bytes());
            let stream = Stream::new_lzma_decoder(LZMA_MEMORY)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(Cursor::new(header).chain(packed), stream))
        }
        93 => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(packed)?;
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            Box::new(decoder)
        }
        95 => {
            let stream = Stream::new_stream_decoder(LZMA_MEMORY, 0)?;
            Box::new(liblzma::bufread::XzDecoder::new_stream(packed, stream))
        }
        _ => return Ok(None),
    }))
}
