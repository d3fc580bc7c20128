//! The parts of a stored log, and the paths that they are served at (C2SP tlog-tiles).

use super::WIDTH;

/// A part of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resource {
    /// The newest checkpoint, signed by the log.
    Checkpoint,
    /// The newest checkpoint that enough witnesses cosigned.
    Cosigned,
    /// `width` hashes of 32 bytes.
    Tile {
        /// 0 for leaf hashes; each level above spans 256 times as many entries.
        level: u8,
        /// Which tile of the level.
        index: u64,
        /// How many hashes: 1 to 256.
        width: u16,
    },
    /// `width` entries, each behind its length in two bytes.
    Entries {
        /// Which bundle.
        index: u64,
        /// How many entries: 1 to 256.
        width: u16,
    },
    /// `width` times of eight bytes: when each entry was logged, in seconds since 1970. Not part of C2SP.
    Times {
        /// Which bundle.
        index: u64,
        /// How many: 1 to 256.
        width: u16,
    },
}

impl Resource {
    /// The path below the log's prefix.
    pub fn path(&self) -> String {
        match *self {
            Self::Checkpoint => "checkpoint".to_owned(),
            Self::Cosigned => "checkpoint.cosigned".to_owned(),
            Self::Tile { level, index, width } => format!("tile/{level}/{}", place(index, width)),
            Self::Entries { index, width } => format!("tile/entries/{}", place(index, width)),
            Self::Times { index, width } => format!("tile/times/{}", place(index, width)),
        }
    }

    /// Reads a path that somebody asks for. Only the one spelling of each resource is read.
    pub fn parse(path: &str) -> Option<Self> {
        let resource = match path {
            "checkpoint" => Self::Checkpoint,
            "checkpoint.cosigned" => Self::Cosigned,
            _ => {
                let (level, rest) = path.strip_prefix("tile/")?.split_once('/')?;
                let (index, width) = unplace(rest)?;
                match level {
                    "entries" => Self::Entries { index, width },
                    "times" => Self::Times { index, width },
                    _ => Self::Tile { level: level.parse().ok().filter(|level| *level < 8)?, index, width },
                }
            }
        };
        (resource.path() == path).then_some(resource)
    }

    /// Which tile or bundle of its level it is.
    pub(super) fn index(&self) -> u64 {
        match *self {
            Self::Checkpoint | Self::Cosigned => 0,
            Self::Tile { index, .. } | Self::Entries { index, .. } | Self::Times { index, .. } => index,
        }
    }

    /// The same tile or bundle of another width.
    pub(super) fn widened(self, width: u16) -> Self {
        match self {
            Self::Checkpoint | Self::Cosigned => self,
            Self::Tile { level, index, .. } => Self::Tile { level, index, width },
            Self::Entries { index, .. } => Self::Entries { index, width },
            Self::Times { index, .. } => Self::Times { index, width },
        }
    }

    /// Whether it never changes, so that caches may keep it for good.
    pub fn immutable(&self) -> bool {
        !matches!(self, Self::Checkpoint | Self::Cosigned)
    }

    /// Whether a log of `size` entries has published it. What lies beyond the checkpoint may still change.
    pub fn within(&self, size: u64) -> bool {
        let (level, index, width) = match *self {
            Self::Checkpoint | Self::Cosigned => return true,
            Self::Tile { level, index, width } => (level, index, width),
            Self::Entries { index, width } | Self::Times { index, width } => (0, index, width),
        };
        let hashes = size.checked_shr(8 * u32::from(level)).unwrap_or(0);
        index.checked_mul(WIDTH).and_then(|start| start.checked_add(width.into())).is_some_and(|end| end <= hashes)
    }
}

/// `x001/x234/067` or `x001/x234/067.p/8`.
fn place(index: u64, width: u16) -> String {
    let mut path = format!("{:03}", index % 1000);
    let mut rest = index / 1000;
    while rest > 0 {
        path = format!("x{:03}/{path}", rest % 1000);
        rest /= 1000;
    }
    if u64::from(width) < WIDTH { format!("{path}.p/{width}") } else { path }
}

fn unplace(path: &str) -> Option<(u64, u16)> {
    let (path, width) = match path.split_once(".p/") {
        Some((path, width)) => (path, width.parse().ok().filter(|width| (1..256).contains(width))?),
        None => (path, 256),
    };
    let mut index: u64 = 0;
    for part in path.split('/') {
        let digits = part.strip_prefix('x').unwrap_or(part);
        index = index.checked_mul(1000)?.checked_add(digits.parse().ok().filter(|part| *part < 1000)?)?;
    }
    Some((index, width))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_those_of_the_specification() {
        let check = |resource: Resource, path: &str| {
            assert_eq!(resource.path(), path);
            assert_eq!(Resource::parse(path), Some(resource));
        };
        check(Resource::Tile { level: 4, index: 1_234_067, width: 256 }, "tile/4/x001/x234/067");
        check(Resource::Tile { level: 0, index: 0, width: 1 }, "tile/0/000.p/1");
        check(Resource::Entries { index: 1000, width: 255 }, "tile/entries/x001/000.p/255");
        check(Resource::Checkpoint, "checkpoint");
        for wrong in [
            "",
            "tile/0/0",
            "tile/0/x000/001",
            "tile/00/001",
            "tile/8/000",
            "tile/0/001.p/256",
            "tile/0/001.p/0",
            "tile/0/001.p/01",
            "tile/0/../001",
            "tile/0/1000",
            "tile/entries/x001/x002",
            "tile/0/+01",
            "/checkpoint",
            "tile/0/x999/x999/x999/x999/x999/x999/x999/x999/999",
            "tile/data/000",
            "tile/0/000.p/",
            "tile/0/000/",
        ] {
            assert_eq!(Resource::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn only_what_a_checkpoint_covers_is_published() {
        // The example of the specification: 70,000 entries.
        let check = |level, index, width, expected| {
            assert_eq!(Resource::Tile { level, index, width }.within(70_000), expected, "{level} {index} {width}");
        };
        check(0, 272, 256, true);
        check(0, 273, 112, true);
        check(0, 273, 113, false);
        check(1, 0, 256, true);
        check(1, 1, 17, true);
        check(1, 1, 18, false);
        check(2, 0, 1, true);
        check(2, 0, 2, false);
        check(7, u64::MAX, 256, false);
    }
}
