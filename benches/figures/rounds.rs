//! Rounds in turns, medians, and tables.

/// How many rounds; a median of fewer says little.
pub const ROUNDS: usize = 5;

/// What one side measured, round by round.
pub struct Samples(pub Vec<f64>);

impl Samples {
    /// The middle one.
    pub fn median(&self) -> f64 {
        let mut sorted = self.0.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The median with the lowest and the highest: `1234 (1200 to 1300)`.
    pub fn shown(&self) -> String {
        let (low, high) = self.0.iter().fold((f64::MAX, f64::MIN), |(l, h), v| (l.min(*v), h.max(*v)));
        format!("{} ({} to {})", number(self.median()), number(low), number(high))
    }

    /// Round by round, this over that.
    pub fn over(&self, other: &Samples) -> Samples {
        Samples(self.0.iter().zip(&other.0).map(|(a, b)| a / b).collect())
    }
}

/// Measures each side once a round, in turns.
pub fn in_turns<const N: usize>(
    rounds: usize,
    mut sides: [&mut dyn FnMut() -> Result<f64, String>; N],
) -> Result<[Samples; N], String> {
    let mut samples: [Samples; N] = std::array::from_fn(|_| Samples(Vec::new()));
    for round in 0..rounds {
        eprint!("\r  round {} of {rounds} ", round + 1);
        for (side, kept) in sides.iter_mut().zip(&mut samples) {
            kept.0.push(side()?);
        }
    }
    eprintln!();
    Ok(samples)
}

/// With as many digits as mean something.
pub fn number(value: f64) -> String {
    match value.abs() {
        v if v >= 1000.0 => {
            let digits = format!("{value:.0}");
            let mut out = String::new();
            for (i, c) in digits.chars().enumerate() {
                if i > 0 && (digits.len() - i) % 3 == 0 {
                    out.push(',');
                }
                out.push(c);
            }
            out
        }
        v if v >= 100.0 => format!("{value:.0}"),
        v if v >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// A table in Markdown.
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = format!("| {} |\n|{}\n", head.join(" | "), " --- |".repeat(head.len()));
    for row in rows {
        out.push_str(&format!("| {} |\n", row.join(" | ")));
    }
    out
}

/// A mark and whether it is reached.
pub fn mark(what: &str, reached: bool) -> String {
    format!("\nMark: {what}: **{}**.\n", if reached { "reached" } else { "missed" })
}
