//! Choices from a stream of bytes. Every choice is made from whole bytes in one fixed way, so that the same bytes give
//! the same structure in every version of this tool and on every machine.

use arbitrary::Unstructured;

/// Never fails: where the bytes have run out, every choice is the first.
pub struct Dice<'b>(Unstructured<'b>);

impl<'b> Dice<'b> {
    pub fn new(bytes: &'b [u8]) -> Dice<'b> {
        Dice(Unstructured::new(bytes))
    }

    fn byte(&mut self) -> u32 {
        u32::from(self.0.arbitrary::<u8>().unwrap_or(0))
    }

    /// How many bytes have not been used.
    pub fn left(&self) -> usize {
        self.0.len()
    }

    /// A number below `n`.
    pub fn below(&mut self, n: usize) -> usize {
        match n {
            0 | 1 => 0,
            2..=256 => self.byte() as usize % n,
            _ => (self.byte() | self.byte() << 8) as usize % n,
        }
    }

    /// Whether a thing of which there is one in `n` happens; never when there are no bytes.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// The index of a choice, by weights.
    pub fn weighted(&mut self, weights: &[usize]) -> usize {
        let mut at = self.below(weights.iter().sum());
        for (index, weight) in weights.iter().enumerate() {
            if at < *weight {
                return index;
            }
            at -= weight;
        }
        0
    }

    /// A word of eight hexadecimal digits.
    pub fn word(&mut self) -> String {
        (0..4).map(|_| format!("{:02x}", self.byte())).collect()
    }
}
