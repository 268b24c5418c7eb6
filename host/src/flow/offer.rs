//! Asks plugins what each instance makes and offers, and what is wrong with its section. Pure: nothing is observed.

use std::{
    collections::{BTreeMap, HashSet},
    sync::atomic::{AtomicUsize, Ordering},
};

use super::Plugins;
use crate::{
    diagnostic::Diagnostic,
    exit::{Ended, Exit},
    plugin::{Offered, PluginFault},
    reference::Views,
    spec::Instance,
    value::Address,
};

/// What one instance's plugin answered.
struct Answer {
    offered: Option<Offered>,
    diagnostics: Vec<Diagnostic>,
}

/// Asks for every instance but those that are wrong, on as many threads as there are cores.
pub fn offers(
    views: &Views<'_>,
    plugins: &Plugins,
    wrong: &HashSet<Address>,
) -> Result<(BTreeMap<Address, Offered>, Vec<Diagnostic>), Ended> {
    let instances: Vec<&Instance> =
        views.spec.instances.iter().filter(|instance| !wrong.contains(&instance.address)).collect();
    let answers = on_all_cores(&instances, |instance| ask(views, plugins, instance));
    let (mut offered, mut diagnostics) = (BTreeMap::new(), Vec::new());
    for (instance, answer) in instances.iter().zip(answers) {
        let answer = answer.map_err(|fault| Ended::new(Exit::Plugin, fault.to_string()))?;
        diagnostics.extend(answer.diagnostics);
        offered.extend(answer.offered.map(|offered| (instance.address.clone(), offered)));
    }
    Ok((offered, diagnostics))
}

fn ask(views: &Views<'_>, plugins: &Plugins, instance: &Instance) -> Result<Answer, PluginFault> {
    let Some(loaded) = plugins.of(instance.address.kind()) else {
        return Ok(Answer { offered: None, diagnostics: Vec::new() });
    };
    let view = match views.offline(instance) {
        Ok(view) => view,
        Err(diagnostics) => return Ok(Answer { offered: None, diagnostics }),
    };
    let mut diagnostics = loaded.plugin.check(&view)?;
    let offered = match loaded.plugin.outputs(&view)? {
        Ok(mut offered) => {
            diagnostics.append(&mut offered.diagnostics);
            Some(offered)
        }
        Err(problems) => {
            diagnostics.extend(problems);
            None
        }
    };
    // A plugin that reads its section twice says twice what is wrong with it.
    let mut said = Vec::new();
    diagnostics.retain(|one| {
        let new = !said.contains(one);
        said.extend(new.then(|| one.clone()));
        new
    });
    Ok(Answer { offered, diagnostics })
}

/// Results in the order of the items; each thread takes the next item when it is done with one.
fn on_all_cores<I: Sync, R: Send>(items: &[I], work: impl Fn(&I) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(items.len().max(1));
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            match items.get(index) {
                Some(item) => done.push((index, work(item))),
                None => return done,
            }
        }
    };
    let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(take)).collect();
        let mut results = take();
        for other in others {
            match other.join() {
                Ok(done) => results.extend(done),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        results
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}
