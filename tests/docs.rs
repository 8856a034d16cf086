//! What the pages show is what is kept and what happens.

use std::{fs, path::Path};

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn the_suite_of_the_page_is_the_kept_one() {
    let suite = file("examples/suites/names.yaml");
    assert!(file("docs/suites.md").contains(&format!("```yaml\n{suite}```\n")), "docs/suites.md shows another suite");
}

#[test]
fn links_between_pages_lead_somewhere() {
    for page in [
        "README.md",
        "docs/architecture.md",
        "docs/exit-codes.md",
        "docs/restraint.md",
        "docs/suites.md",
        "docs/verdicts.md",
        "suites/README.md",
    ] {
        let text = file(page);
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
        let folder = folder.parent().expect("a page stands in a folder");
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let dead: Vec<&str> = links
            .filter(|l| !l.starts_with("http") && !folder.join(l.split('#').next().unwrap_or(l)).exists())
            .collect();
        assert!(dead.is_empty(), "{page} links to what is not there: {dead:?}");
    }
}
