//! What the pages show is what is kept and what happens.

mod support;

use std::{fs, path::Path};

use support::{Home, finish};

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

#[test]
fn the_suite_of_the_page_is_the_kept_one() {
    let suite = file("examples/suites/names.yaml");
    assert!(file("docs/suites.md").contains(&format!("```yaml\n{suite}```\n")), "docs/suites.md shows another suite");
}

#[test]
fn the_settings_of_the_page_are_the_kept_ones_and_load() {
    let page = file("docs/configuration.md");
    let settings = file("examples/dcrspec.toml");
    assert!(page.contains(&format!("```toml\n{settings}```\n")), "docs/configuration.md shows other settings");
    let shown = page.split("```console\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let (line, output) = shown.split_once('\n').unwrap();
    let words: Vec<&str> = line.split(' ').skip_while(|w| *w != "config").collect();
    let home = Home::new();
    fs::create_dir(home.path().join("examples")).unwrap();
    home.file("examples/dcrspec.toml", &settings);
    let mut command = home.command(&words);
    command.env("DCRSPEC_TIMEOUT", "20s");
    let ran = finish(command);
    assert!(line.starts_with("$ DCRSPEC_TIMEOUT=20s dcrspec config "));
    assert_eq!(ran.exits(0).stdout, output, "docs/configuration.md shows another output");
    assert_eq!(ran.stderr, "");
    // Each profile, and a run of it as far as it goes without what it names.
    for (profile, missing) in
        [("staging", "cannot read examples/staging-ca.pem"), ("appliance", "cannot read examples/appliance.token")]
    {
        let ran = home.run(["run", "--config", "examples/dcrspec.toml", "--profile", profile]);
        assert!(ran.exits(2).stderr.contains(missing), "{}", ran.stderr);
    }
    home.run(["config", "--config", "examples/dcrspec.toml", "--profile", "production"]).exits(0);
}

#[test]
fn links_between_pages_lead_somewhere() {
    for page in [
        "README.md",
        "docs/architecture.md",
        "docs/awork.md",
        "docs/configuration.md",
        "docs/exit-codes.md",
        "docs/fuzzing.md",
        "docs/long-campaigns.md",
        "docs/restraint.md",
        "docs/suites.md",
        "docs/vendor-profiles.md",
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

#[test]
fn the_pieces_of_the_vendor_profile_are_the_kept_ones() {
    let page = file("docs/vendor-profiles.md");
    let folder = "examples/papermill/suites/papermill";
    let kept = ["requirements.yaml", "registration.yaml", "registration-response.schema.json"]
        .map(|name| file(&format!("{folder}/{name}")).replace([' ', '\n'], ""));
    let mut pieces = 0;
    for piece in page.split("```").skip(1).step_by(2) {
        let Some((language, text)) = piece.split_once('\n') else { continue };
        if ["yaml", "json"].contains(&language) {
            let text = text.replace([' ', '\n'], "");
            assert!(kept.iter().any(|k| k.contains(&text)), "docs/vendor-profiles.md shows what is not kept:\n{piece}");
            pieces += 1;
        }
    }
    assert_eq!(pieces, 3);
}
