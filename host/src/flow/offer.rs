//! Asks plugins what each instance makes and offers, and what is wrong with its section. Pure: nothing is observed.

use std::collections::{BTreeMap, HashSet};

use super::{Plugins, cores::on_all_cores};
use crate::{
    exit::{Ended, Exit},
    model::{Diagnostic, Offered, value::Address},
    plugin::PluginFault,
    reference::Views,
    spec::Instance,
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
