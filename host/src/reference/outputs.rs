//! All outputs of a stack, each resolved once, when it is first asked for.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    rc::Rc,
};

use super::substitute::{self, Problem};
use crate::{
    model::{
        Offered, Output,
        value::{Address, Target, Tree},
    },
    spec::{Spec, folder_of, is_broken},
};

/// An output whose value refers to nothing but what is made; address parts are still in it.
#[derive(Debug)]
pub(super) struct Resolved {
    /// Its value.
    pub(super) value: Tree,
    /// Things (of whom, which key) that must be done before it is true.
    pub(super) after: BTreeSet<(Address, String)>,
}

/// Why a target has no value.
#[derive(Clone, Debug)]
pub(super) enum Missing {
    /// The instance offers other outputs; their names.
    NoSuchOutput(Vec<String>),
    /// The outputs refer to each other in a ring: each with the next, the last with the first.
    Ring(Vec<Target>),
    /// Its value can't be put together.
    Unfit(Problem),
    /// Something that has been reported elsewhere.
    Reported,
}

type Answer = Result<Rc<Resolved>, Missing>;

pub(super) struct Outputs<'a> {
    offered: HashMap<&'a Address, HashMap<&'a str, &'a Output>>,
    done: HashMap<Target, Answer>,
    work: usize,
}

impl<'a> Outputs<'a> {
    pub(super) fn new(spec: &Spec, offered: &'a BTreeMap<Address, Offered>) -> Self {
        let known = offered.iter().filter(|(address, _)| spec.index.position(address).is_some());
        let by_name = |offered: &'a Offered| {
            offered.outputs.iter().map(|output| (output.name.as_str(), output)).collect::<HashMap<_, _>>()
        };
        let offered = known.map(|(address, offered)| (address, by_name(offered))).collect();
        Self { offered, done: HashMap::new(), work: 0 }
    }

    pub(super) fn work(&self) -> usize {
        self.work
    }

    /// The value of an output. Depth first, without recursion: chains may be as long as the spec.
    pub(super) fn get(&mut self, target: &Target) -> Answer {
        if let Some(done) = self.done.get(target) {
            self.work += 1;
            return done.clone();
        }
        let mut path = vec![Visit::new(target.clone(), self.dependencies(target))];
        let mut on_path = HashSet::from([target.clone()]);
        while let Some(visit) = path.last_mut() {
            self.work += 1;
            match visit.ahead.pop() {
                Some(next) if self.done.contains_key(&next) => {}
                Some(next) if on_path.contains(&next) => {
                    let start = path.iter().position(|visit| visit.target == next).unwrap_or(0);
                    let ring: Vec<Target> = path[start..].iter().map(|visit| visit.target.clone()).collect();
                    for (turn, member) in ring.iter().enumerate() {
                        let turned = ring[turn..].iter().chain(&ring[..turn]).cloned().collect();
                        self.done.insert(member.clone(), Err(Missing::Ring(turned)));
                    }
                }
                Some(next) => {
                    let ahead = self.dependencies(&next);
                    on_path.insert(next.clone());
                    path.push(Visit::new(next, ahead));
                }
                None => {
                    let finished = path.pop().map(|visit| visit.target);
                    if let Some(finished) = finished {
                        on_path.remove(&finished);
                        if !self.done.contains_key(&finished) {
                            let answer = self.put_together(&finished);
                            self.done.insert(finished, answer);
                        }
                    }
                }
            }
        }
        self.done.get(target).cloned().unwrap_or(Err(Missing::Reported))
    }

    fn output(&self, target: &Target) -> Result<&'a Output, Missing> {
        let Target::Output(address, name) = target else { return Err(Missing::Reported) };
        if is_broken(target) {
            return Err(Missing::Reported);
        }
        let outputs = self.offered.get(address).ok_or(Missing::Reported)?;
        match outputs.get(name.as_str()) {
            Some(output) => Ok(output),
            None => {
                let mut names: Vec<String> = outputs.keys().map(|name| (*name).to_owned()).collect();
                names.sort();
                Err(Missing::NoSuchOutput(names))
            }
        }
    }

    /// The outputs that an output refers to.
    fn dependencies(&self, target: &Target) -> Vec<Target> {
        let Ok(output) = self.output(target) else { return Vec::new() };
        let sources = output.value.targets().into_iter().map(Target::source);
        sources.filter(|source| is_output(source)).cloned().collect()
    }

    /// All that it refers to is done.
    fn put_together(&self, target: &Target) -> Answer {
        let output = self.output(target)?;
        let Target::Output(address, _) = target else { return Err(Missing::Reported) };
        let mut after: BTreeSet<(Address, String)> =
            output.true_after.iter().map(|key| (address.clone(), key.clone())).collect();
        let own = !after.is_empty();
        let mut missing = None;
        let value = substitute::tree(&output.value, &mut |target| match self.done.get(target) {
            Some(Ok(resolved)) => {
                // What is true after an own action of the instance comes after all that the instance waits for.
                if !own {
                    after.extend(resolved.after.iter().cloned());
                }
                Ok(Some(resolved.value.clone()))
            }
            // What lacks is told where it is written: in the section that this output comes from.
            Some(Err(Missing::Reported | Missing::NoSuchOutput(_))) | None if is_output(target) => {
                missing = Some(Missing::Reported);
                Ok(None)
            }
            Some(Err(why)) => {
                missing = Some(why.clone());
                Ok(None)
            }
            None => Ok(None),
        });
        match (missing, value) {
            (Some(why), _) => Err(why),
            (None, Ok(value)) => Ok(Rc::new(Resolved { value, after })),
            (None, Err(problem)) => Err(Missing::Unfit(problem)),
        }
    }
}

/// Whether a target is an output of an instance; folders of the host file and what is made have no node.
pub(super) fn is_output(target: &Target) -> bool {
    matches!(target, Target::Output(..)) && folder_of(target).is_none()
}

struct Visit {
    target: Target,
    ahead: Vec<Target>,
}

impl Visit {
    fn new(target: Target, mut ahead: Vec<Target>) -> Self {
        ahead.reverse();
        Self { target, ahead }
    }
}
