//! MD5, of several texts at once.
//!
//! Every answer carries the MD5 of each body, and nothing else costs a batch as much. Each step
//! of MD5 needs the result of the one before, so one text leaves most of a core idle; four side
//! by side take less than twice as long as one.
//!
//! Source: RFC 1321.

use std::array::from_fn;

use serde::{Serialize, Serializer};

/// Sixteen bytes, which are written as lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Md5([u8; 16]);

impl Md5 {
    pub(crate) fn of(text: &[u8]) -> Md5 {
        let [md5] = side_by_side([text]);
        md5
    }

    /// The digest of each text, in their order.
    pub(crate) fn of_each(texts: &[&[u8]]) -> Vec<Md5> {
        let mut digests = Vec::with_capacity(texts.len());
        let (fours, rest) = texts.as_chunks::<4>();
        for four in fours {
            digests.extend(side_by_side(*four));
        }
        match *rest {
            [a, b, c] => digests.extend(&side_by_side([a, b, c, b""])[..3]),
            [a, b] => digests.extend(side_by_side([a, b])),
            _ => digests.extend(rest.iter().map(|text| Md5::of(text))),
        }
        digests
    }
}

impl Serialize for Md5 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0; 32];
        for (digits, byte) in text.as_chunks_mut().0.iter_mut().zip(self.0) {
            *digits = [byte >> 4, byte & 15].map(|digit| DIGITS[usize::from(digit)]);
        }
        serializer.serialize_str(str::from_utf8(&text).expect("digits are ASCII"))
    }
}

/// The same word of each text.
type Word<const N: usize> = [u32; N];

fn side_by_side<const N: usize>(texts: [&[u8]; N]) -> [Md5; N] {
    // Behind the text come at least one byte and its length.
    let blocks = texts.map(|text| (text.len() + 1 + 8).div_ceil(64));
    let mut state = START.map(|word| [word; N]);
    let mut digests = [Md5::default(); N];
    for index in 0..blocks.into_iter().max().unwrap_or(0) {
        let of_each = texts.map(|text| block(text, index));
        let words = from_fn(|word| from_fn(|lane| of_each[lane][word]));
        mix(&mut state, &words);
        for lane in (0..N).filter(|lane| index + 1 == blocks[*lane]) {
            let bytes = state.map(|word| word[lane].to_le_bytes());
            digests[lane].0.copy_from_slice(bytes.as_flattened());
        }
    }
    digests
}

/// 64 bytes of a text as sixteen words. Behind the text are a bit, zeros, and its length in bits.
fn block(text: &[u8], index: usize) -> [u32; 16] {
    let rest = text.get(64 * index..).unwrap_or_default();
    let mut bytes = [0; 64];
    if let Some(whole) = rest.first_chunk() {
        bytes = *whole;
    } else {
        bytes[..rest.len()].copy_from_slice(rest);
        if 64 * index <= text.len() {
            bytes[rest.len()] = 0x80;
        }
        if text.len() + 1 + 8 <= 64 * (index + 1) {
            bytes[56..].copy_from_slice(&(8 * text.len() as u64).to_le_bytes());
        }
    }
    let words = bytes.as_chunks().0;
    from_fn(|word| u32::from_le_bytes(words[word]))
}

fn mix<const N: usize>(state: &mut [Word<N>; 4], words: &[Word<N>; 16]) {
    let before = *state;
    round(state, words, 0, |b, c, d| (b & c) | (!b & d));
    round(state, words, 1, |b, c, d| (b & d) | (c & !d));
    round(state, words, 2, |b, c, d| b ^ c ^ d);
    round(state, words, 3, |b, c, d| c ^ (b | !d));
    for (word, before) in state.iter_mut().zip(before) {
        *word = from_fn(|lane| word[lane].wrapping_add(before[lane]));
    }
}

#[inline(always)] // So that every number in it is known to the compiler: twice as fast.
fn round<const N: usize>(
    state: &mut [Word<N>; 4],
    words: &[Word<N>; 16],
    round: usize,
    mix: impl Fn(u32, u32, u32) -> u32,
) {
    let [mut a, mut b, mut c, mut d] = *state;
    let (factor, first) = ORDER[round];
    for four in 0..4 {
        for (turn, by) in TURNS[round].into_iter().enumerate() {
            let step = 4 * four + turn;
            let word = words[(factor * step + first) % 16];
            let next = from_fn(|lane| {
                let sum = a[lane]
                    .wrapping_add(mix(b[lane], c[lane], d[lane]))
                    .wrapping_add(SINES[16 * round + step].wrapping_add(word[lane]));
                b[lane].wrapping_add(sum.rotate_left(by))
            });
            (a, b, c, d) = (d, next, b, c);
        }
    }
    *state = [a, b, c, d];
}

const START: [u32; 4] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// In which order a round takes the words: a factor and the first.
const ORDER: [(usize, usize); 4] = [(1, 0), (5, 1), (3, 5), (7, 0)];

const TURNS: [[u32; 4]; 4] = [
    [7, 12, 17, 22],
    [5, 9, 14, 20],
    [4, 11, 16, 23],
    [6, 10, 15, 21],
];

/// 2^32 times |sin 1|, |sin 2|, and so on.
#[rustfmt::skip]
const SINES: [u32; 64] = [
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
];

#[cfg(test)]
mod tests {
    use md5::Digest;
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn digests_are_those_of_another_implementation(
            texts in vec(vec(any::<u8>(), 0..300), 0..11)
        ) {
            let texts: Vec<_> = texts.iter().map(Vec::as_slice).collect();
            let expected = texts.iter().map(|text| Md5(md5::Md5::digest(text).into()));
            let expected: Vec<_> = expected.collect();
            prop_assert_eq!(Md5::of_each(&texts), expected);
        }
    }
}
