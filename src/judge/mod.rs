//! The judge: holds every exchange against every rule that applies to it, whoever caused the exchange.

mod clause;
mod clock;
mod coded;
mod configuration;
mod connection;
mod entropy;
mod errors;
mod life;
mod members;
mod memory;
pub mod parse;
mod redirects;
pub mod relation;
mod rule;
mod success;
mod token;

pub use clause::{SCHEMAS, compile, schema_faults};
pub use memory::Memory;
pub use rule::{Claim, Claims, Context, Evidence, Judge, Judgement, Objection, Rule, shorten};
pub(crate) use token::blames_credentials;

/// Every embedded rule: the clauses of `schemas/` and the coded ones. Those over many exchanges are in [`Memory`].
fn all_rules() -> Vec<Box<dyn Rule>> {
    let mut rules = clause::rules();
    let coded = [
        clock::RULES,
        configuration::RULES,
        connection::RULES,
        errors::RULES,
        members::RULES,
        redirects::RULES,
        success::RULES,
        token::RULES,
    ];
    for rule in coded.into_iter().flatten() {
        rules.push(Box::new(rule));
    }
    rules
}

/// What keeps the schemas of a vendor's folder from being used.
pub(crate) fn check_folder(catalogue: &crate::spec::Catalogue, family: &str) -> Result<(), String> {
    clause::rules_of(catalogue, family).map(|_| ())
}

/// Id and requirement of every rule, those over many exchanges and those of the embedded vendors included.
pub fn rule_ids() -> Vec<(&'static str, &'static str)> {
    let vendors: Vec<String> = crate::suite::vendors(crate::suite::embedded());
    let mut ids: Vec<_> = Judge::of(&vendors).rules().map(|r| (r.id(), r.requirement())).collect();
    ids.extend_from_slice(memory::RULES);
    ids.extend_from_slice(life::RULES);
    ids
}
