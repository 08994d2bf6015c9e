//! Good input made bad at random, in a way that a seed repeats.

use fastrand::Rng;
use std::ops::Range;

/// Bytes that mean something to some parser.
const TELLING: &[u8] = b"\0\r\n\t :;,/?&=%+-#\"{}[]\\09azAZ\x7f\x80\xc3\xff";

/// Makes a few changes: flips, replaces, drops, repeats, or takes from another one.
pub(super) fn mutate(rng: &mut Rng, input: &mut Vec<u8>, others: &[Vec<u8>]) {
    for _ in 0..rng.usize(1..=4) {
        let range = range(rng, input);
        match rng.u8(0..7) {
            0 => {
                if let Some(byte) = input.get_mut(range.start) {
                    *byte ^= 1 << rng.u8(0..8);
                }
            }
            1 => {
                let telling = TELLING[rng.usize(0..TELLING.len())];
                if let Some(byte) = input.get_mut(range.start) {
                    *byte = telling;
                }
            }
            2 => drop(input.drain(range)),
            3 => {
                let again = input[range.clone()].to_vec();
                let again = again.repeat(rng.usize(1..=3));
                input.splice(range.end..range.end, again);
            }
            4 => {
                let other = &others[rng.usize(0..others.len())];
                let part = other[self::range(rng, other)].to_vec();
                input.splice(range, part);
            }
            5 => input.truncate(range.end),
            _ => {
                let random: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(4).collect();
                input.splice(range.start..range.start, random);
            }
        }
    }
}

/// A part, mostly a short one.
fn range(rng: &mut Rng, input: &[u8]) -> Range<usize> {
    let start = rng.usize(0..=input.len());
    let most = if rng.bool() { 8 } else { input.len() };
    let length = rng.usize(0..=most.min(input.len() - start));
    start..start + length
}
