//! The smallest scenario that still shows a fault: on the structure, so that every step is a request that means
//! something.

use super::{
    bench::Bench,
    generate::{self, Base, Credentials, Envelope, Input, Label, Node, Shape, Style, Writing},
    scenario::{Scenario, trial},
};
use crate::model::{Dropping, Who};

/// Tries candidates until none helps or the budget is spent.
struct Shrinker<'b, 't> {
    bench: &'b Bench<'t>,
    id: &'b str,
    budget: u32,
}

/// Shrinks; `budget` is how many trials may be made.
pub async fn shrink(bench: &Bench<'_>, scenario: Scenario, id: &str, budget: u32) -> Scenario {
    let mut shrinker = Shrinker { bench, id, budget };
    let mut best = scenario;
    loop {
        let before = best.clone();
        best = shrinker.structure(best).await;
        best = shrinker.values(best).await;
        if best == before || shrinker.budget == 0 {
            return best;
        }
    }
}

impl Shrinker<'_, '_> {
    async fn shows(&mut self, candidate: &Scenario) -> bool {
        if self.budget == 0 {
            return false;
        }
        self.budget -= 1;
        trial(self.bench, candidate).await.faults.iter().any(|f| f.id == self.id)
    }

    /// Takes the first candidate that still shows the fault.
    async fn first(&mut self, best: &mut Scenario, candidates: Vec<Scenario>) -> bool {
        for candidate in candidates {
            if candidate != *best && self.shows(&candidate).await {
                *best = candidate;
                return true;
            }
        }
        false
    }

    /// Leaves out what is not needed.
    async fn structure(&mut self, mut best: Scenario) -> Scenario {
        let with = |best: &Scenario, input: Input| Scenario { input, ..best.clone() };
        // All at once, where the base client alone shows it.
        let bare = Input {
            follow: best.input.follow.clone(),
            compare: best.input.compare.clone(),
            moves: best.input.moves.clone(),
            ..Input::default()
        };
        let candidates = vec![
            Scenario { times: best.times, ask: best.ask, ..Scenario::of(Input::default()) },
            with(&best, bare),
            Scenario { before: Vec::new(), ..best.clone() },
            Scenario { times: 1, ..best.clone() },
        ];
        self.first(&mut best, candidates).await;
        let input = &best.input;
        let candidates = vec![
            with(&best, Input { follow: Vec::new(), ..input.clone() }),
            with(&best, Input { compare: None, ..input.clone() }),
            with(&best, Input { writing: Writing::default(), ..input.clone() }),
            with(&best, Input { envelope: Envelope::default(), ..input.clone() }),
            with(&best, Input { omit: Vec::new(), ..input.clone() }),
            with(&best, Input { base: Base::Any, ..input.clone() }),
        ];
        for candidate in candidates {
            // Each on top of what has been left out already.
            let merged = merge(&best.input, &candidate.input);
            let candidate = with(&best, merged);
            self.first(&mut best, vec![candidate]).await;
        }
        best = self.moves(best).await;
        best = self.members(best).await;
        for index in (0..best.input.omit.len()).rev() {
            let mut input = best.input.clone();
            input.omit.remove(index);
            let candidate = with(&best, input);
            self.first(&mut best, vec![candidate]).await;
        }
        for input in around(&best.input) {
            let candidate = with(&best, input);
            self.first(&mut best, vec![candidate]).await;
        }
        best
    }

    /// Drops members.
    async fn members(&mut self, mut best: Scenario) -> Scenario {
        let mut dropping = Dropping::new(&best.input.set);
        while let Some(set) = dropping.candidate() {
            let candidate = Scenario { input: Input { set, ..best.input.clone() }, ..best.clone() };
            dropping.tried(self.first(&mut best, vec![candidate]).await);
        }
        best
    }

    /// Drops steps, then does without the second client.
    async fn moves(&mut self, mut best: Scenario) -> Scenario {
        let mut dropping = Dropping::new(&best.input.moves);
        while let Some(moves) = dropping.candidate() {
            let candidate = Scenario { input: Input { moves, ..best.input.clone() }, ..best.clone() };
            dropping.tried(self.first(&mut best, vec![candidate]).await);
        }
        let moves = best.input.moves.iter().map(|step| step.about(Who::First)).collect();
        let candidate = Scenario { input: Input { moves, ..best.input.clone() }, ..best.clone() };
        self.first(&mut best, vec![candidate]).await;
        best
    }

    /// Makes values shorter and plainer.
    async fn values(&mut self, mut best: Scenario) -> Scenario {
        for index in 0..best.input.set.len() {
            loop {
                let candidates = plainer(&best.input.set[index].value)
                    .into_iter()
                    .map(|value| {
                        let mut input = best.input.clone();
                        input.set[index].value = value;
                        Scenario { input, ..best.clone() }
                    })
                    .collect();
                if !self.first(&mut best, candidates).await {
                    break;
                }
            }
        }
        best
    }
}

/// What `simpler` leaves out is left out of `best` as well.
fn merge(best: &Input, simpler: &Input) -> Input {
    let mut merged = best.clone();
    if simpler.follow.is_empty() {
        merged.follow = Vec::new();
    }
    if simpler.compare.is_none() {
        merged.compare = None;
    }
    if simpler.writing == Writing::default() {
        merged.writing = Writing::default();
    }
    if simpler.envelope == Envelope::default() {
        merged.envelope = Envelope::default();
    }
    if simpler.omit.is_empty() {
        merged.omit = Vec::new();
    }
    if simpler.base == Base::Any {
        merged.base = Base::Any;
    }
    merged
}

/// One thing less around the metadata.
fn around(input: &Input) -> Vec<Input> {
    let mut all = Vec::new();
    let mut less = |change: &dyn Fn(&mut Input)| {
        let mut input = input.clone();
        change(&mut input);
        all.push(input);
    };
    less(&|i| i.writing.mark = false);
    less(&|i| i.writing.tail = String::new());
    less(&|i| i.writing.utf16 = false);
    less(&|i| i.writing.style = Style::Plain);
    less(&|i| i.writing.shape = Shape::Object);
    less(&|i| i.envelope.method = None);
    less(&|i| i.envelope.in_query = false);
    less(&|i| i.envelope.label = Label::Own);
    less(&|i| i.envelope.credentials = Credentials::Own);
    less(&|i| i.envelope.framing = None);
    for index in 0..input.envelope.headers.len() {
        less(&|i| {
            i.envelope.headers.remove(index);
        });
    }
    all
}

/// Values that are shorter or plainer, the plainest first.
fn plainer(node: &Node) -> Vec<Node> {
    match node {
        Node::Text(text) => shorter(text).into_iter().map(Node::Text).collect(),
        Node::Long { text, times } => {
            let mut all = vec![Node::Text(text.clone())];
            if *times > 1 {
                all.push(Node::Long { text: text.clone(), times: times / 2 });
                all.push(Node::Long { text: text.clone(), times: times - 1 });
            }
            all
        }
        Node::Array(items) => {
            let mut all = Vec::new();
            if items.len() > 1 {
                all.push(Node::Array(items[..items.len() / 2].to_vec()));
                all.push(Node::Array(items[items.len() / 2..].to_vec()));
            }
            for index in 0..items.len().min(20) {
                let mut fewer = items.clone();
                fewer.remove(index);
                all.push(Node::Array(fewer));
            }
            for (index, item) in items.iter().enumerate().take(4) {
                for value in plainer(item) {
                    let mut plainer = items.clone();
                    plainer[index] = value;
                    all.push(Node::Array(plainer));
                }
            }
            all
        }
        Node::Object(members) => {
            let mut all = Vec::new();
            for index in 0..members.len().min(20) {
                let mut fewer = members.clone();
                fewer.remove(index);
                all.push(Node::Object(fewer));
            }
            for (index, (name, value)) in members.iter().enumerate().take(8) {
                for value in plainer(value) {
                    let mut plainer = members.clone();
                    plainer[index] = (name.clone(), value);
                    all.push(Node::Object(plainer));
                }
            }
            all
        }
        Node::Deep { objects, depth } if *depth > 1 => {
            vec![
                Node::Deep { objects: *objects, depth: 1 },
                Node::Deep { objects: *objects, depth: depth / 2 },
                Node::Deep { objects: *objects, depth: depth - 1 },
            ]
        }
        Node::Number(digits) if digits != "1" => vec![Node::Number("1".into()), Node::Number("0".into())],
        _ => Vec::new(),
    }
}

/// Parts of a text, cut between characters: the shortest first, then what is left without some piece of it.
fn shorter(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let length = chars.len();
    if length == 0 || text.contains("${") {
        return Vec::new();
    }
    let without = |from: usize, to: usize| chars[..from].iter().chain(&chars[to..]).collect::<String>();
    let mut all = vec![String::new(), chars[..1].iter().collect()];
    let mut piece = length.div_ceil(2);
    loop {
        all.extend((0..length).step_by(piece).map(|at| without(at, (at + piece).min(length))));
        if piece == 1 || all.len() > 80 {
            break;
        }
        piece = piece.div_ceil(2);
    }
    all.retain(|part| part.chars().count() < length && generate::stays_home(part, text));
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plainer_is_never_longer() {
        let node = Node::Array(vec![Node::text("abcd"), Node::Object(vec![("a".into(), Node::text("xy"))])]);
        let size = |n: &Node| serde_json::to_string(n).unwrap().len();
        let all = plainer(&node);
        assert!(!all.is_empty() && all.iter().all(|n| size(n) < size(&node)));
        let parts = shorter("https://client.example.org/cb");
        assert!(parts.iter().all(|p| generate::hosts(p).iter().all(|h| generate::is_reserved(h))), "{parts:?}");
        assert!(plainer(&Node::text("${client_id#0}")).is_empty(), "a slot is one thing");
    }
}
