//! The catalogue, the suites, the rules and the defects hang together: every id that one of them names exists.

use std::collections::{BTreeSet, HashSet};

use dcrspec::{
    judge, server,
    spec::{Binds, Catalogue, Level, Requirement, Strength},
    suite::{self, Case, Expect, Suite},
};

/// Families of requirements that are not carried yet; a `same-as` may name one of theirs already.
const FAMILIES_TO_COME: [&str; 6] = ["oidc-", "discovery-", "mcp-", "security-", "profile-", "interop-"];

fn catalogue() -> &'static Catalogue {
    Catalogue::embedded()
}

fn exists(id: &str) -> bool {
    catalogue().get(id).is_some()
}

fn cases() -> impl Iterator<Item = (&'static Suite, &'static Case)> {
    suite::embedded().iter().flat_map(|s| s.cases.iter().map(move |c| (s, c)))
}

fn name(suite: &Suite, case: &Case) -> String {
    format!("{}/{}", suite.name, case.id.value)
}

/// Fails with every fault at once, so that one run shows them all.
#[track_caller]
fn none(what: &str, faults: impl IntoIterator<Item = String>) {
    let faults: Vec<String> = faults.into_iter().collect();
    assert!(faults.is_empty(), "{what}:\n  {}", faults.join("\n  "));
}

/// Fails with the ids of all requirements that have the fault.
#[track_caller]
fn no_requirement(what: &str, fault: impl Fn(&Requirement) -> bool) {
    none(what, catalogue().iter().filter(|r| fault(r)).map(|r| r.id.clone()));
}

#[test]
fn ids_are_unique_kebab_case_and_begin_with_their_family() {
    assert_eq!(catalogue().iter().map(|r| &r.id).collect::<HashSet<_>>().len(), catalogue().len());
    assert_eq!(catalogue().iter().filter(|r| r.id.starts_with("rfc7591-")).count(), 101);
    assert_eq!(catalogue().iter().filter(|r| r.id.starts_with("rfc7592-")).count(), 62);
    no_requirement("does not begin with the name of its folder", |r| {
        catalogue().family(&r.id).is_none_or(|family| !r.id.starts_with(&format!("{family}-")))
    });
    no_requirement("is not kebab-case", |r| {
        // Appendices are called by capitals.
        let rest = r.id.split_once('-').map_or("", |(_, rest)| rest);
        let rest = rest.strip_prefix("client-").unwrap_or(rest).trim_start_matches(|c: char| c.is_ascii_uppercase());
        !rest.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-".contains(c))
    });
}

#[test]
fn every_entry_can_be_read_by_a_person() {
    no_requirement("`says` does not end with a period", |r| !r.says.trim_end().ends_with('.'));
    no_requirement("`observe` is empty", |r| r.observe.trim().is_empty());
    no_requirement("`section` is no number", |r| {
        r.section != "-" && !r.section.starts_with(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase())
    });
    no_requirement("the text holds a tab, a trailing space or a double space", |r| {
        [&r.says, &r.observe].iter().any(|t| t.contains('\t') || t.contains("  "))
    });
    no_requirement("has no address", |r| {
        let vendor = catalogue().family(&r.id).is_some_and(|f| catalogue().is_vendor(f));
        !vendor
            && r.spec.is_none()
            && r.section != "-"
            && catalogue().url_of(r).is_none_or(|u| !u.starts_with("https://"))
    });
}

#[test]
fn weights_are_given_and_possible() {
    no_requirement("binds a server and has no strength", |r| r.binds == Binds::Server && r.strength.is_none());
    no_requirement("a MAY that can be broken", |r| {
        r.finding_level() == Level::May && r.strength == Some(Strength::Broken)
    });
    no_requirement("raised above the specification's word, and not as a matter of security", |r| {
        r.report_level.is_some_and(|l| l.rank() < r.level.rank() && l != Level::Security)
    });
}

#[test]
fn what_no_server_can_break_says_why_and_has_no_defect() {
    no_requirement("not killable, without why-not", |r| {
        !r.killable && r.why_not.as_deref().is_none_or(|w| w.trim().is_empty())
    });
    no_requirement("killable, with a why-not", |r| r.killable && r.why_not.is_some());
    no_requirement("not killable, with a defect", |r| {
        !r.killable && server::defects().iter().any(|d| d.requirement == r.id)
    });
}

#[test]
fn same_as_leads_somewhere_and_not_in_a_circle() {
    let mut faults = Vec::new();
    for r in catalogue().iter() {
        for target in &r.same_as {
            if target == &r.id {
                faults.push(format!("{} is the same as itself", r.id));
            }
            if !exists(target) && !FAMILIES_TO_COME.iter().any(|f| target.starts_with(f)) {
                faults.push(format!("{} is the same as {target}, which does not exist", r.id));
            }
        }
        let primary = catalogue().primary(&r.id, &|_| true);
        if catalogue().primary(primary, &|_| true) != primary {
            faults.push(format!("{} is in a circle", r.id));
        }
        if r.same_as.is_empty() && r.differs.is_some() {
            faults.push(format!("{} differs from nothing", r.id));
        }
    }
    none("same-as", faults);
}

#[test]
fn every_case_names_requirements_that_exist_and_bind_a_server() {
    let mut faults = Vec::new();
    let mut names = HashSet::new();
    for (suite, case) in cases() {
        let name = name(suite, case);
        for r in &case.requirements {
            match catalogue().get(&r.value) {
                None => faults.push(format!("{name}: {} does not exist", r.value)),
                Some(r) if r.binds == Binds::Client => faults.push(format!("{name}: {} binds the client", r.id)),
                Some(_) => {}
            }
        }
        let once: HashSet<&str> = case.requirements.iter().map(|r| r.value.as_str()).collect();
        if once.len() != case.requirements.len() {
            faults.push(format!("{name} lists a requirement twice"));
        }
        if !names.insert(name.clone()) {
            faults.push(format!("{name} stands twice"));
        }
        if case.title.ends_with('.') || case.title.trim().is_empty() {
            faults.push(format!("{name}: a title is a phrase without a period"));
        }
    }
    assert!(!names.is_empty());
    none("cases", faults);
}

/// Whether the words of an any-of take both outcomes: then only a control tells what the fault in the payload did.
fn takes_both(expect: &Expect) -> bool {
    let words = || expect.any_of.iter().flatten();
    words().any(|e| e.rejected.is_some()) && words().any(|e| e.created.is_some())
}

#[test]
fn a_case_that_takes_either_outcome_has_a_control() {
    let lacking = cases()
        .filter(|(_, c)| c.control.is_none())
        .filter(|(_, c)| c.steps.iter().any(|s| s.value.expect.as_ref().is_some_and(takes_both)))
        .map(|(s, c)| name(s, c));
    none("cases without a control", lacking);
    // The check itself sees such cases.
    let seen = cases().filter(|(_, c)| c.steps.iter().any(|s| s.value.expect.as_ref().is_some_and(takes_both)));
    assert!(seen.count() >= 3);
}

#[test]
fn every_entry_that_binds_a_server_is_looked_at_or_says_why_not() {
    let watched: HashSet<&str> = judge::rule_ids().into_iter().map(|(_, r)| r).collect();
    let tried: HashSet<&str> = cases().flat_map(|(_, c)| c.requirements.iter().map(|r| r.value.as_str())).collect();
    no_requirement("has no case, no rule and no reason", |r| {
        r.binds == Binds::Server
            && !watched.contains(r.id.as_str())
            && !tried.contains(r.id.as_str())
            && r.not_tried.is_none()
            && r.needs.is_empty()
    });
    no_requirement("says why it is not tried, and is", |r| {
        r.not_tried.is_some() && (watched.contains(r.id.as_str()) || tried.contains(r.id.as_str()))
    });
}

#[test]
fn rules_are_unique_and_watch_requirements_that_exist() {
    let rules = judge::rule_ids();
    assert!(rules.len() >= 35, "{} rules", rules.len());
    let mut seen = HashSet::new();
    none("rules that stand twice", rules.iter().filter(|(id, _)| !seen.insert(*id)).map(|(id, _)| (*id).to_owned()));
    none(
        "rules on requirements that do not exist or bind the client",
        rules
            .iter()
            .filter(|(_, r)| catalogue().get(r).is_none_or(|r| r.binds == Binds::Client))
            .map(|(id, r)| format!("{id}: {r}")),
    );
}

#[test]
fn defects_are_unique_and_break_requirements_that_exist() {
    let mut faults = Vec::new();
    let mut seen = HashSet::new();
    for d in server::defects() {
        if !seen.insert(d.id) {
            faults.push(format!("{} stands twice", d.id));
        }
        if exists(d.id) || cases().any(|(s, c)| name(s, c) == d.id) {
            faults.push(format!("{} is the id of something else too, so `explain` could not tell them apart", d.id));
        }
        if !d.says.ends_with('.') {
            faults.push(format!("{}: {:?} does not end with a period", d.id, d.says));
        }
        for id in std::iter::once(d.requirement).chain(d.also.iter().map(|(id, _)| *id)) {
            match catalogue().get(id) {
                None => faults.push(format!("{} breaks {id}, which does not exist", d.id)),
                Some(r) if r.binds == Binds::Client => {
                    faults.push(format!("{} breaks {id}, which binds clients", d.id))
                }
                Some(_) => {}
            }
        }
        for (id, why) in d.also {
            if *id == d.requirement || why.trim().is_empty() {
                faults.push(format!("{}: {id} is explained badly", d.id));
            }
        }
        if server::defect(d.id).map(|found| found.requirement) != Some(d.requirement) {
            faults.push(format!("{} is not found by its id", d.id));
        }
    }
    none("defects", faults);
}

#[test]
fn what_is_tested_can_be_broken_and_what_can_be_broken_is_tested() {
    let tested: BTreeSet<&str> = judge::rule_ids()
        .into_iter()
        .map(|(_, requirement)| requirement)
        .chain(cases().flat_map(|(_, c)| c.requirements.iter().map(|r| r.value.as_str())))
        .collect();
    none(
        "defects that nothing looks for",
        server::defects().iter().filter(|d| !tested.contains(d.requirement)).map(|d| d.id.to_owned()),
    );
    assert!(tested.len() >= 40, "{} requirements are tested", tested.len());
}
