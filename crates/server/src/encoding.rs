//! How an answer is written for whoever asks: as it is, or compressed (RFC 9110, section 12.5.3).
//!
//! In: what a client accepts, and a body. Out: the body in zstd (RFC 8878) or gzip (RFC 1952), made at once and with what earlier ones
//! left in place; in brotli (RFC 7932), which takes ten times as long, only for who would rather have that. What cannot be read, or
//! leaves nothing that may be sent, is the router's.

use std::cell::RefCell;

use axum::http::{HeaderMap, HeaderValue, header};
use brotli::enc::BrotliEncoderParams;
use flate2::{Compress, Compression, FlushCompress, Status};

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Encoding {
    /// As it is.
    Identity,
    Gzip,
    Zstd,
    Brotli,
}

/// Of zstd and of gzip: an answer has 2 to 5 kB, of which a slower level would save a twentieth.
const LEVEL: i32 = 1;
const GZIP_LEVEL: Compression = Compression::fast();
/// That of the router; the library's own, 11, takes milliseconds.
const BROTLI_LEVEL: i32 = 4;
/// The window of gzip and brotli as a power of two: 32 KiB, which every reader has.
const WINDOW: u8 = 15;
/// Bytes of room beside half of the body: a head, a foot and a little.
const GROWTH: usize = 64;

impl Encoding {
    pub(crate) const ALL: [Self; 4] = [Self::Identity, Self::Gzip, Self::Zstd, Self::Brotli];

    /// The encoding for a client. `None` where it accepts none of these, or where its header cannot be read.
    pub(crate) fn wanted(request: &HeaderMap) -> Option<Self> {
        let (mut gzip, mut zstd, mut brotli, mut identity, mut any) = (None, None, None, None, None);
        let mut accepts = request.get_all(header::ACCEPT_ENCODING).iter().peekable();
        if accepts.peek().is_none() {
            return Some(Self::Identity);
        }
        for list in accepts {
            for one in list.to_str().ok()?.split(',').map(str::trim).filter(|one| !one.is_empty()) {
                let (coding, weight) = match one.split_once(';') {
                    Some((coding, weight)) => (coding.trim_end(), quality(weight)?),
                    None => (one, 1.0),
                };
                match coding {
                    "gzip" | "x-gzip" => gzip = Some(weight),
                    "zstd" => zstd = Some(weight),
                    "br" => brotli = Some(weight),
                    "identity" => identity = Some(weight),
                    "*" => any = Some(weight),
                    // Never served here, so that it counts for nothing.
                    _ => {}
                }
            }
        }
        let of = |named: Option<f32>| named.or(any).unwrap_or(0.0);
        let (gzip, zstd, brotli) = (of(gzip), of(zstd), of(brotli));
        let best = gzip.max(zstd).max(brotli);
        if best > 0.0 && identity.is_none_or(|identity| best >= identity) {
            // Of what is wanted as much, the one that costs least.
            let wanted = [(zstd, Self::Zstd), (gzip, Self::Gzip)].into_iter().find(|(weight, _)| *weight >= best);
            return Some(wanted.map_or(Self::Brotli, |(_, encoding)| encoding));
        }
        // Without a word of it, what is not compressed is acceptable.
        identity.or(any).is_none_or(|weight| weight > 0.0).then_some(Self::Identity)
    }

    /// Its name in HTTP; none where nothing has to be said.
    pub(crate) fn name(self) -> Option<HeaderValue> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some(HeaderValue::from_static("gzip")),
            Self::Zstd => Some(HeaderValue::from_static("zstd")),
            Self::Brotli => Some(HeaderValue::from_static("br")),
        }
    }

    /// A body written that way. `None` where it cannot be: then it is served as it is.
    pub(crate) fn write(self, body: &[u8]) -> Option<Vec<u8>> {
        thread_local! {
            static GZIP: RefCell<Compress> = RefCell::new(Compress::new_gzip(GZIP_LEVEL, WINDOW));
            static ZSTD: RefCell<Option<zstd::bulk::Compressor<'static>>> =
                RefCell::new(zstd::bulk::Compressor::new(LEVEL).ok());
        }
        match self {
            Self::Identity => Some(body.to_vec()),
            Self::Zstd => ZSTD.with_borrow_mut(|zstd| zstd.as_mut()?.compress(body).ok()),
            Self::Brotli => {
                let params = BrotliEncoderParams {
                    quality: BROTLI_LEVEL,
                    lgwin: WINDOW.into(),
                    size_hint: body.len(),
                    ..BrotliEncoderParams::default()
                };
                let mut written = Vec::with_capacity(body.len() / 2 + GROWTH);
                brotli::BrotliCompress(&mut &*body, &mut written, &params).ok()?;
                Some(written)
            }
            Self::Gzip => GZIP.with_borrow_mut(|gzip| {
                gzip.reset();
                let mut written = Vec::with_capacity(body.len() / 2 + GROWTH);
                loop {
                    let rest = body.get(usize::try_from(gzip.total_in()).ok()?..)?;
                    if gzip.compress_vec(rest, &mut written, FlushCompress::Finish).ok()? == Status::StreamEnd {
                        return Some(written);
                    }
                    written.reserve(body.len() / 2 + GROWTH);
                }
            }),
        }
    }
}

/// `q=0.5`: from 0 to 1.
fn quality(text: &str) -> Option<f32> {
    let number = text.trim().strip_prefix("q=").or_else(|| text.trim().strip_prefix("Q="))?;
    number.parse().ok().filter(|quality| (0.0..=1.0).contains(quality))
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn a_client_gets_what_it_would_rather_have() {
        let check = |lists: &[&'static str], expect: Option<Encoding>| {
            let mut headers = HeaderMap::new();
            for list in lists {
                headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static(list));
            }
            assert_eq!(Encoding::wanted(&headers), expect, "{lists:?}");
        };
        let (identity, gzip) = (Some(Encoding::Identity), Some(Encoding::Gzip));
        let (zstd, brotli) = (Some(Encoding::Zstd), Some(Encoding::Brotli));
        check(&[], identity);
        for list in ["", "identity", "identity, gzip;q=0.5", "deflate", "compress", "gzip;q=0", "br;q=0.5, identity"] {
            check(&[list], identity);
        }
        for list in
            ["gzip", "gzip, deflate", "gzip, deflate, br", "x-gzip", "zstd;q=0.5, gzip;q=0.8", "identity;q=0, gzip"]
        {
            check(&[list], gzip);
        }
        for list in
            ["gzip, deflate, br, zstd", "deflate, gzip, br, zstd", "*", "zstd;q=0.1", "gzip ; q=0.5 , zstd ;Q=0.5"]
        {
            check(&[list], zstd);
        }
        check(&["gzip", "br", "zstd"], zstd);
        for list in ["br", "gzip;q=0.5, br", "identity;q=0, br", "br, identity;q=0.5", "gzip;q=0, *;q=0.5, zstd;q=0"] {
            check(&[list], brotli);
        }
        for list in ["*;q=0", "identity;q=0", "gzip;q=2", "gzip;q=NaN", "gzip;level=1", "gzip;"] {
            check(&[list], None);
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let check = |body: &[u8]| {
            // Twice, because the second finds what the first left behind.
            for _ in 0..2 {
                assert_eq!(Encoding::Identity.write(body).as_deref(), Some(body));
                let zstd = Encoding::Zstd.write(body).unwrap();
                assert_eq!(zstd::decode_all(&*zstd).unwrap(), body);
                let (brotli, mut read) = (Encoding::Brotli.write(body).unwrap(), Vec::new());
                brotli::Decompressor::new(&*brotli, body.len().max(1)).read_to_end(&mut read).unwrap();
                assert_eq!(read, body);
                let (gzip, mut read) = (Encoding::Gzip.write(body).unwrap(), Vec::new());
                flate2::read::GzDecoder::new(&*gzip).read_to_end(&mut read).unwrap();
                assert_eq!(read, body);
            }
        };
        check(b"");
        check(b"{}");
        check(&b"the same again ".repeat(10_000));
        let mut number = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            number = number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            number.to_be_bytes()[0]
        })
        .take(300_000)
        .collect();
        check(&noise);
    }
}
