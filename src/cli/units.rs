//! Values with units, as flags, the environment and `dcrspec.toml` write them: one reading for all three.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

/// A length of time: `10s`, `1m`, `500ms`, or a bare number of seconds. Keeps the text, to show it as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Time {
    text: String,
    value: Duration,
}

impl Time {
    /// The length itself.
    pub fn get(&self) -> Duration {
        self.value
    }
}

impl FromStr for Time {
    type Err = String;

    fn from_str(text: &str) -> Result<Time, String> {
        let number = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match &text[number.len()..] {
            "ms" => 0.001,
            "" | "s" => 1.0,
            "m" | "min" => 60.0,
            other => return Err(format!("{other:?} is no unit of time; write ms, s or m")),
        };
        let value: f64 = number.parse().map_err(|_| format!("{text:?} is no length of time; write 10s or 500ms"))?;
        let seconds = value * unit;
        if !(0.001..=86_400.0).contains(&seconds) {
            return Err(format!("{text:?} is not between 1ms and a day"));
        }
        Ok(Time { text: text.to_owned(), value: Duration::from_secs_f64(seconds) })
    }
}

/// Requests a second: `10/s`, `30/m`, or a bare number a second. Keeps the text, to show it as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Rate {
    text: String,
    value: f64,
}

impl Rate {
    /// How many a second.
    pub fn per_second(&self) -> f64 {
        self.value
    }
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Rate, String> {
        let (number, per) = match text.split_once('/') {
            None | Some((_, "s")) => (text.split('/').next().unwrap_or(text), 1.0),
            Some((number, "m" | "min")) => (number, 60.0),
            Some((_, other)) => return Err(format!("{other:?} is no unit; write 10/s or 30/m")),
        };
        match number.parse::<f64>() {
            Ok(n) if n > 0.0 && n.is_finite() && n / per > 0.0 => Ok(Rate { text: text.to_owned(), value: n / per }),
            _ => Err(format!("{text:?} is no rate; write 10/s or 30/m")),
        }
    }
}

/// A text with a unit, or a bare number.
#[derive(Deserialize)]
#[serde(untagged)]
enum TextOrNumber {
    Text(String),
    Whole(i64),
    Fraction(f64),
}

fn read<'de, T: FromStr<Err = String>, D: Deserializer<'de>>(d: D, example: &str) -> Result<T, D::Error> {
    let written = TextOrNumber::deserialize(d).map_err(|_| D::Error::custom(format!("write {example}")))?;
    let text = match written {
        TextOrNumber::Text(text) => text,
        TextOrNumber::Whole(number) => number.to_string(),
        TextOrNumber::Fraction(number) => number.to_string(),
    };
    text.parse().map_err(D::Error::custom)
}

macro_rules! written {
    ($type:ident, $example:literal) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.text)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.serialize_str(&self.text)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(d: D) -> Result<$type, D::Error> {
                read(d, $example)
            }
        }

        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }

            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({ "type": ["string", "number"], "examples": [$example] })
            }
        }
    };
}

written!(Time, "10s");
written!(Rate, "10/s");

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn times_and_rates_are_read_with_their_units() {
        let time = |text: &str| text.parse::<Time>().map(|t| t.get());
        let rate = |text: &str| text.parse::<Rate>().map(|r| r.per_second());
        assert_eq!(time("500ms").unwrap(), Duration::from_millis(500));
        assert_eq!(time("2").unwrap(), Duration::from_secs(2));
        assert_eq!(time("1m").unwrap(), Duration::from_secs(60));
        assert!(time("10h").is_err() && time("0").is_err() && time("x").is_err() && time("NaN").is_err());
        assert_eq!(rate("10/s").unwrap(), 10.0);
        assert_eq!(rate("30/m").unwrap(), 0.5);
        assert!(rate("0").is_err() && rate("3/h").is_err() && rate("NaN").is_err() && rate("inf").is_err());
    }

    proptest! {
        #[test]
        fn no_text_is_read_into_a_value_out_of_range(text in ".{0,12}|[0-9.e+-]{0,8}(ms|s|m|min|/s|/m)?") {
            if let Ok(time) = text.parse::<Time>() {
                prop_assert!((Duration::from_micros(999)..=Duration::from_secs(86_400)).contains(&time.get()));
                prop_assert_eq!(time.to_string(), text.clone());
            }
            if let Ok(rate) = text.parse::<Rate>() {
                prop_assert!(rate.per_second() > 0.0 && rate.per_second().is_finite());
            }
        }

        #[test]
        fn what_is_written_is_read_again(whole in 1_u32..86_400) {
            let time: Time = format!("{whole}s").parse().unwrap();
            prop_assert_eq!(time.get(), Duration::from_secs(whole.into()));
            let again: Time = serde_json::from_value(serde_json::to_value(&time).unwrap()).unwrap();
            prop_assert_eq!(again, time);
            let bare: Time = serde_json::from_value(whole.into()).unwrap();
            prop_assert_eq!(bare.get(), Duration::from_secs(whole.into()));
        }
    }
}
