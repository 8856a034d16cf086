//! The exit code of a run, read off its report.

use crate::spec::Strength;

use super::{DIFFERENCE, Finding, Report, Verdict, campaign};

/// How a command ended, as its exit code says it to a script. Where several hold, 2 comes before 130, 3, 1 and 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exit {
    /// Something was judged, and nothing was found at the levels that fail a run.
    Clean,
    /// A requirement is broken at a level that fails the run, and no waiver covers it.
    Findings,
    /// The command line, the configuration or a suite file was wrong; nothing was sent.
    Usage,
    /// The target could not be tested, or nothing of it could be judged.
    Untestable,
    /// The run was interrupted; what it had found is in the report.
    Interrupted,
}

impl Exit {
    /// The number that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Exit::Clean => 0,
            Exit::Findings => 1,
            Exit::Usage => 2,
            Exit::Untestable => 3,
            Exit::Interrupted => 130,
        }
    }
}

/// How the run of this report ended. Never [`Exit::Usage`]: such a run has no report.
pub fn exit(report: &Report) -> Exit {
    if report.interrupted {
        Exit::Interrupted
    } else if report.untestable.is_some() || !something_judged(report) {
        Exit::Untestable
    } else if report.findings.iter().any(|f| fails(report, f)) {
        Exit::Findings
    } else {
        Exit::Clean
    }
}

/// Whether this finding fails the run: not waived, and broken at one of the levels of `fail_on`. A difference between two
/// deployments always does, since it is what was asked for.
pub fn fails(report: &Report, finding: &Finding) -> bool {
    let broken = finding.strength == Strength::Broken && includes(report, finding);
    finding.waived.is_none() && (broken || finding.requirement == DIFFERENCE)
}

/// Whether the finding's level is one that fails the run; MUST takes MUST-NOT with it, SHOULD takes SHOULD-NOT.
pub(super) fn includes(report: &Report, finding: &Finding) -> bool {
    report.fail_on.iter().any(|level| level.rank() == finding.level.rank())
}

/// Whether any requirement was seen kept or broken, or two deployments were compared: a run without that must never look
/// clean.
pub(super) fn something_judged(report: &Report) -> bool {
    report.requirements.iter().any(|r| matches!(r.verdict, Verdict::Met | Verdict::Broken))
        || campaign::has_compared(report)
}
