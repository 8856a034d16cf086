use proptest::prelude::*;

use super::super::text::*;
use super::HOSTILE;

fn xml_1_0(c: char) -> bool {
    let n = u32::from(c);
    matches!(n, 9 | 10 | 13) || (0x20..=0xd7ff).contains(&n) || (0xe000..=0xfffd).contains(&n) || n >= 0x10000
}

#[test]
fn escapes_stay_visible() {
    assert_eq!(harmless("\u{1b}[31mred\u{9b}\0"), "\\u{1b}[31mred\\u{9b}\\u{0}");
    assert_eq!(harmless("a\nb\tc\u{2028}"), "a\\u{a}b\\u{9}c\\u{2028}");
    assert_eq!(harmless_lines("a\nb\tc\rd"), "a\nb\tc\\u{d}d");
    assert_eq!(harmless("\u{202e}\u{2066}\u{200b}\u{feff}\u{fffe}\u{ffff}").matches("\\u{").count(), 6);
    assert_eq!(harmless("Grüße, 世界 🦀"), "Grüße, 世界 🦀");
    assert_eq!(xml_text("\u{12}]]>\u{ffff}"), "\\u{12}]]\\u{3e}\\u{ffff}");
}

#[test]
fn an_attribute_is_one_short_line() {
    assert_eq!(xml_attribute(" a\n\tb \0 "), "a b \\u{0}");
    let long = xml_attribute(&"ä".repeat(1_000_000));
    assert_eq!(long.chars().count(), 200);
    assert!(long.ends_with('…'));
}

#[test]
fn a_cut_says_how_much_there_was() {
    assert_eq!(cut("abc", 3), "abc");
    assert_eq!(cut(&"x".repeat(1000), 40), format!("{}… [cut: 1000 bytes in all]", "x".repeat(12)));
    assert_eq!(cut("0123456789", 3), "… [cut: 10 bytes in all]");
}

proptest! {
    #[test]
    fn xml_text_is_xml(text in any::<String>(), tail in "(\\]|>|\u{0}|\u{ffff}|\u{1b}){0,12}") {
        for made in [xml_text(&format!("{text}{tail}")), xml_attribute(&format!("{text}{tail}{HOSTILE}"))] {
            prop_assert!(made.chars().all(xml_1_0), "{made:?}");
            prop_assert!(!made.contains("]]>"), "{made:?}");
        }
    }

    #[test]
    fn harmless_steers_no_terminal(text in any::<String>()) {
        let made = harmless(&format!("{text}{HOSTILE}"));
        prop_assert!(!made.chars().any(|c| c.is_control() || ('\u{202a}'..='\u{202e}').contains(&c)), "{made:?}");
        prop_assert_eq!(harmless(&made), made.clone());
    }

    #[test]
    fn cut_keeps_to_its_limit(text in any::<String>(), max in 40usize..200) {
        let made = cut(&text, max);
        prop_assert!(made.len() <= max);
        prop_assert_eq!(cut(&made, max), made.clone());
    }
}
