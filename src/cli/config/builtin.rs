//! The profiles that this program carries: what is the same for each deployment of one vendor's server.

use std::path::Path;

use super::{
    file::ConfigFile,
    layers::{Layer, Origin},
};

const PROFILES: [(&str, &str); 1] = [("awork", include_str!("../../../profiles/awork.toml"))];

/// Their names.
pub fn names() -> impl Iterator<Item = &'static str> {
    PROFILES.iter().map(|(name, _)| *name)
}

/// The settings of one.
pub fn profile(name: &str) -> Option<Layer> {
    let (_, text) = PROFILES.iter().find(|(known, _)| *known == name)?;
    let file = format!("profiles/{name}.toml");
    let layer = ConfigFile::parse(Path::new(&file), file.clone(), (*text).to_owned())
        .expect("a unit test reads the built-in profiles")
        .top;
    let origin = Origin::BuiltIn { profile: name.to_owned() };
    Some(layer.into_iter().map(|(key, (value, _))| (key, (value, origin.clone()))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_reads_and_names_no_host() {
        for name in names() {
            let layer = profile(name).unwrap();
            assert!(!layer.contains_key("url") && !layer.contains_key("issuer"), "{name}");
            let text = PROFILES.iter().find(|(known, _)| *known == name).unwrap().1;
            let settings = text.lines().filter(|l| !l.trim_start().starts_with('#'));
            assert!(settings.into_iter().all(|l| !l.contains("://")), "{name}");
        }
        assert!(profile("nobody").is_none());
    }
}
