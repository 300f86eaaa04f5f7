//! Bytes of requests without allocations: digits, and identifiers of version 7.

use std::time::Instant;

use services::clock::Clock;

use crate::random::Random;

const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";

/// The 36 letters of an identifier.
pub(crate) type Id = [u8; 36];

/// Makes identifiers of version 7: ordered by time, the rest drawn.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    started: Instant,
    started_millis: u128,
}

impl Ids {
    /// Identifiers from now on.
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            started_millis: Clock::System
                .now()
                .timestamp_millis()
                .try_into()
                .unwrap_or(0),
        }
    }

    /// The next one.
    pub(crate) fn next(&self, random: &mut Random) -> Id {
        let millis = self.started_millis + self.started.elapsed().as_millis();
        let drawn = (u128::from(random.next()) << 64) | u128::from(random.next());
        let kept = !(0xffff_ffff_ffff_u128 << 80) & !(0xf << 76) & !(0x3 << 62);
        text((millis << 80) | (0x7 << 76) | (0x2 << 62) | (drawn & kept))
    }
}

/// An identifier of version 4, drawn.
pub(crate) fn drawn_id(random: &mut Random) -> Id {
    let drawn = (u128::from(random.next()) << 64) | u128::from(random.next());
    text((drawn & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62))
}

fn text(bits: u128) -> Id {
    let mut letters = [b'-'; 36];
    let mut shift = 128_u32;
    for (place, letter) in letters.iter_mut().enumerate() {
        if !matches!(place, 8 | 13 | 18 | 23) {
            shift -= 4;
            let four = usize::try_from((bits >> shift) & 0xf).unwrap_or(0);
            *letter = HEXADECIMAL[four];
        }
    }
    letters
}

/// Adds a number as decimal digits, at least so many.
pub(crate) fn push_number(out: &mut Vec<u8>, number: usize, least: usize) {
    let mut digits = [b'0'; 20];
    let mut rest = number;
    let mut first = digits.len();
    while rest > 0 || digits.len() - first < least.clamp(1, 20) {
        first -= 1;
        digits[first] = HEXADECIMAL[rest % 10];
        rest /= 10;
    }
    out.extend_from_slice(&digits[first..]);
}

/// How many decimal digits a number has.
pub(crate) fn digits(number: usize) -> usize {
    number.checked_ilog10().map_or(1, |least| {
        usize::try_from(least).unwrap_or(0).saturating_add(1)
    })
}

#[cfg(test)]
mod tests {
    use uuid::{Uuid, Variant};

    use super::*;

    #[test]
    fn numbers_are_written_with_their_zeros() {
        let written = |number, least| {
            let mut out = b"x".to_vec();
            push_number(&mut out, number, least);
            String::from_utf8(out).expect("text")
        };
        assert_eq!(written(0, 0), "x0");
        assert_eq!(written(407, 1), "x407");
        assert_eq!(written(407, 9), "x000000407");
        assert_eq!(written(usize::MAX, 1), format!("x{}", usize::MAX));
        for number in [0, 9, 10, 99, 100, usize::MAX] {
            assert_eq!(digits(number), number.to_string().len());
        }
    }

    #[test]
    fn identifiers_are_of_their_version_and_of_now() {
        let mut random = Random::new(5);
        let parsed = |id: Id| -> Uuid {
            let text = std::str::from_utf8(&id).expect("text");
            text.parse().expect("an identifier")
        };
        let ids = Ids::new();
        let (first, second) = (parsed(ids.next(&mut random)), parsed(ids.next(&mut random)));
        assert_ne!(first, second);
        for id in [first, second] {
            assert_eq!(
                (id.get_version_num(), id.get_variant()),
                (7, Variant::RFC4122)
            );
            let (seconds, _) = id.get_timestamp().expect("a time").to_unix();
            let now = u64::try_from(Clock::System.now().timestamp()).expect("after 1970");
            assert!(now.abs_diff(seconds) < 60, "{seconds}");
        }
        let drawn = parsed(drawn_id(&mut random));
        assert_eq!(
            (drawn.get_version_num(), drawn.get_variant()),
            (4, Variant::RFC4122)
        );
    }
}
