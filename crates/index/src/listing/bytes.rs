//! Numbers of any size in as few bytes as they need, and reading them back from bytes that may be
//! anything.

use surecopy_fs::Timestamp;

/// Bytes that are no listing of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Broken;

/// Seven bits to a byte, the lowest first; all but the last have the highest bit set.
pub(super) fn put(into: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        into.push((number as u8 & 0x7f) | 0x80);
        number >>= 7;
    }
    into.push(number as u8);
}

/// A difference: small ones are short, whichever way they go.
pub(super) fn put_difference(into: &mut Vec<u8>, number: u64, from: u64) {
    let difference = number.wrapping_sub(from) as i64;
    put(into, ((difference << 1) ^ (difference >> 63)) as u64);
}

/// A time, as its difference from another.
pub(super) fn put_time(into: &mut Vec<u8>, time: Timestamp, from: Timestamp) {
    put_difference(into, time.secs as u64, from.secs as u64);
    put(into, u64::from(time.nanos));
}

/// What is left to be read.
pub(super) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }

    pub(super) fn byte(&mut self) -> Result<u8, Broken> {
        let (first, rest) = self.rest.split_first().ok_or(Broken)?;
        self.rest = rest;
        Ok(*first)
    }

    pub(super) fn bytes(&mut self, length: u64) -> Result<&'a [u8], Broken> {
        let length = usize::try_from(length).map_err(|_| Broken)?;
        let (bytes, rest) = self.rest.split_at_checked(length).ok_or(Broken)?;
        self.rest = rest;
        Ok(bytes)
    }

    pub(super) fn number(&mut self) -> Result<u64, Broken> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            // The tenth byte has room for one bit.
            if (bits << shift) >> shift != bits {
                return Err(Broken);
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(Broken)
    }

    pub(super) fn number_32(&mut self) -> Result<u32, Broken> {
        u32::try_from(self.number()?).map_err(|_| Broken)
    }

    pub(super) fn difference(&mut self, from: u64) -> Result<u64, Broken> {
        let packed = self.number()?;
        let difference = (packed >> 1) ^ (packed & 1).wrapping_neg();
        Ok(from.wrapping_add(difference))
    }

    pub(super) fn time(&mut self, from: Timestamp) -> Result<Timestamp, Broken> {
        let secs = self.difference(from.secs as u64)? as i64;
        let nanos = self.number_32()?;
        if nanos < 1_000_000_000 { Ok(Timestamp { secs, nanos }) } else { Err(Broken) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_every_length_come_back() {
        let mut numbers = vec![0, 1, u64::MAX];
        numbers.extend((0..64).flat_map(|bit| [1 << bit, (1 << bit) - 1]));
        for number in numbers {
            let mut bytes = Vec::new();
            put(&mut bytes, number);
            put_difference(&mut bytes, number, 7);
            put_difference(&mut bytes, 7, number);
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.number(), Ok(number));
            assert_eq!(reader.difference(7), Ok(number));
            assert_eq!(reader.difference(number), Ok(7));
            assert_eq!(reader.left(), 0);
        }
    }

    #[test]
    fn what_is_too_long_or_too_short_is_broken() {
        for bytes in [&[][..], &[0x80], &[0xff; 10], &[0xff; 11]] {
            assert_eq!(Reader::new(bytes).number(), Err(Broken), "{bytes:?}");
        }
        assert_eq!(Reader::new(&[1]).bytes(u64::MAX), Err(Broken));
    }
}
