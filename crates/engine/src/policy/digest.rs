//! Digest algorithms: one table, one incremental computation.

use std::fmt;

/// A digest algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum DigestAlgorithm {
    /// BLAKE3, 256 bits.
    #[default]
    Blake3,
    /// SHA-256.
    Sha256,
}

impl DigestAlgorithm {
    /// Every algorithm.
    pub const ALL: [DigestAlgorithm; 2] = [DigestAlgorithm::Blake3, DigestAlgorithm::Sha256];

    /// Stable text, as in settings, reports and manifests.
    pub fn as_str(self) -> &'static str {
        match self {
            DigestAlgorithm::Blake3 => "blake3",
            DigestAlgorithm::Sha256 => "sha256",
        }
    }

    /// Begins a computation.
    pub fn begin(self) -> Digester {
        match self {
            DigestAlgorithm::Blake3 => Digester::Blake3(Box::new(blake3::Hasher::new())),
            DigestAlgorithm::Sha256 => Digester::Sha256(Box::default()),
        }
    }

    /// Reads its stable text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

impl fmt::Display for DigestAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A digest being computed.
pub enum Digester {
    /// BLAKE3.
    Blake3(Box<blake3::Hasher>),
    /// SHA-256, with the CPU's SHA instructions where it has them.
    Sha256(Box<sha2::Sha256>),
}

impl Digester {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        match self {
            Digester::Blake3(hasher) => {
                hasher.update(bytes);
            }
            Digester::Sha256(hasher) => sha2::Digest::update(hasher.as_mut(), bytes),
        }
    }

    /// Ends the computation.
    pub fn finish(self) -> Digest {
        match self {
            Digester::Blake3(hasher) => Digest {
                algorithm: DigestAlgorithm::Blake3,
                bytes: hasher.finalize().as_bytes().to_vec(),
            },
            Digester::Sha256(hasher) => Digest {
                algorithm: DigestAlgorithm::Sha256,
                bytes: sha2::Digest::finalize(*hasher).to_vec(),
            },
        }
    }
}

/// A digest value with the algorithm that made it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Digest {
    /// The algorithm.
    pub algorithm: DigestAlgorithm,
    /// The value.
    pub bytes: Vec<u8>,
}

impl Digest {
    /// The value in lower-case hexadecimal, as manifests write it.
    pub fn to_hex(&self) -> String {
        self.bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm, self.to_hex())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let rows = [
            (
                DigestAlgorithm::Blake3,
                "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85",
            ),
            (
                DigestAlgorithm::Sha256,
                "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            ),
        ];
        for (algorithm, expected) in rows {
            let mut digester = algorithm.begin();
            digester.update(b"a");
            digester.update(b"");
            digester.update(b"bc");
            assert_eq!(digester.finish().to_hex(), expected, "{algorithm}");
        }
    }
}
