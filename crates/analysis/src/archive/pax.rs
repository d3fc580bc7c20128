//! pax extended headers (POSIX.1-2017, pax, "pax Extended Header"), as far as they change what an installer unpacks.
//!
//! In: the records of one header. Out: the overrides. Records are read by their stated length, as installers do: a value
//! may hold line breaks.

/// What a pax header overrides.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pax {
    /// The path.
    pub path: Option<Vec<u8>>,
    /// The target of a link.
    pub link: Option<Vec<u8>>,
    /// Bytes of content in the archive.
    pub size: Option<u64>,
    /// GNU sparse: the real path, the real size, and where the map is.
    pub sparse_name: Option<Vec<u8>>,
    pub sparse_size: Option<u64>,
    pub sparse_map: Option<SparseMap>,
}

/// Where a sparse file's map is (GNU tar manual, "Storing Sparse Files").
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum SparseMap {
    /// Formats 0.0 and 0.1: offsets and lengths in turn.
    Listed(Vec<u64>),
    /// Format 1.0: at the beginning of the content.
    InContent,
}

impl Pax {
    /// Adds the records of a header to these, and says what is wrong with them.
    pub fn read(&mut self, mut records: &[u8]) -> Vec<String> {
        let mut wrong = Vec::new();
        let mut listed = Vec::new();
        let mut paths = 0;
        while !records.is_empty() {
            let Some((key, value, rest)) = record(records) else {
                // Some writers pad with zeros.
                if records.iter().any(|&byte| byte != 0) {
                    wrong.push("a pax record has no valid length".to_owned());
                }
                break;
            };
            records = rest;
            let number = || std::str::from_utf8(value).ok().and_then(|text| text.parse::<u64>().ok());
            match key {
                b"path" => {
                    paths += 1;
                    self.path = Some(value.to_vec());
                }
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => match number() {
                    Some(size) => self.size = Some(size),
                    None => wrong.push("a pax size is not a number".to_owned()),
                },
                b"GNU.sparse.name" => self.sparse_name = Some(value.to_vec()),
                b"GNU.sparse.size" | b"GNU.sparse.realsize" => self.sparse_size = number(),
                b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => listed.extend(number()),
                b"GNU.sparse.map" => {
                    let text = String::from_utf8_lossy(value);
                    listed = text.split(',').map_while(|number| number.parse().ok()).collect();
                }
                b"GNU.sparse.major" if value == b"1" => self.sparse_map = Some(SparseMap::InContent),
                _ => {}
            }
        }
        if paths > 1 {
            wrong.push(format!("one pax header holds {paths} paths"));
        }
        if !listed.is_empty() {
            self.sparse_map = Some(SparseMap::Listed(listed));
        }
        wrong
    }
}

/// `<length> <key>=<value>\n`, where the length counts the whole record.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = bytes.iter().take(20).position(|&byte| byte == b' ')?;
    let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
    if length > bytes.len() {
        return None;
    }
    let body = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = memchr::memchr(b'=', body)?;
    Some((&body[..equals], &body[equals + 1..], &bytes[length..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_read_by_their_length() {
        let mut pax = Pax::default();
        assert!(pax.read(b"12 path=a\nb\n13 size=1234\n17 linkpath=../x\n").is_empty());
        assert_eq!(pax.path.as_deref(), Some(&b"a\nb"[..]));
        assert_eq!((pax.size, pax.link.as_deref()), (Some(1234), Some(&b"../x"[..])));
    }

    #[test]
    fn wrong_records_are_told() {
        let check = |records: &[u8], expect: &str| assert_eq!(Pax::default().read(records).join(";"), expect);
        check(b"999 path=a\n", "a pax record has no valid length");
        check(b"x path=a\n", "a pax record has no valid length");
        check(b"0 path=a\n", "a pax record has no valid length");
        check(b"10 size=x\n", "a pax size is not a number");
        check(b"10 path=a\n10 path=b\n", "one pax header holds 2 paths");
        check(b"10 path=a\n\0\0\0", "");
        check(b"", "");
    }
}
