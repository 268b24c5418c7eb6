//! Compares a site with what is there, and says what to do.

use stackrun_plugin::{
    Section, explain,
    files::{self, Comparison, Content, Wanted},
    guest::{Action, Change, CheckOf, Difference, Move, Owned, Planned, Revert},
    http::{self, Method, Origin, Request},
    literal, services,
    types::{Condition, Diagnostic, Instance, Sameness, Severity, Thing},
};

use crate::{
    live::Live,
    site,
    wish::{Auth, Wish, known},
};

/// A certificate may have to be fetched from an authority first.
const PROOF_MS: u32 = 60_000;
const CHECK_MS: u32 = 20_000;

/// A site, its file, and what is there of it.
struct Site<'a> {
    instance: &'a Instance,
    wish: Wish,
    domain: String,
    path: String,
    wanted: Wanted,
    found: Comparison,
    live: Live,
}

pub fn plan(instance: &Instance) -> Result<Planned, Vec<Diagnostic>> {
    let (wish, problems) = Wish::of(instance);
    let wish = match wish {
        Some(wish) if !problems.iter().any(|problem| problem.severity == Severity::Error) => wish,
        _ => return Err(problems),
    };
    let site = Site::look(instance, wish).map_err(|problem| vec![problem])?;
    if let Some(problem) = site.taken() {
        return Err(vec![problem]);
    }
    Ok(Planned {
        owns: vec![site.owned()],
        actions: site.action().into_iter().collect(),
        checks: vec![site.check(CHECK_MS)],
        diagnostics: problems,
    })
}

impl<'a> Site<'a> {
    fn look(instance: &'a Instance, wish: Wish) -> Result<Self, Diagnostic> {
        let section = Section::of(instance);
        let Some(domain) = wish.known_domain() else {
            return Err(section
                .at("domain")
                .error("the host name is known only after some step of this plan")
                .help("write the host name itself"));
        };
        let settings = instance.connections.first().map(Section::settings).unwrap_or_else(|| section.clone());
        // A file for each host name: a site that gets another one leaves the old file to be taken away.
        let path = format!("{}/{domain}.caddy", wish.gateway.sites);
        let file = site::file(&wish, &instance.address, &instance.stack);
        let wanted = Wanted::new(&path, &Content::text(&file));
        wanted.set_mode(wish.gateway.mode);
        if let Some((user, group)) = &wish.gateway.owner {
            wanted.set_owner(user, group);
        }
        let found = files::compare(&[&wanted]).into_iter().next();
        let found = match found {
            Some(Ok(found)) => found,
            Some(Err(failure)) => return Err(settings.at("sites").error(format!("{path}: {}", explain(&failure)))),
            None => return Err(settings.at("sites").error(format!("{path} can't be compared"))),
        };
        let live = Live::ask(&wish.gateway.connection).map_err(|failure| {
            let said = settings.at("admin").error(format!("Caddy's admin API can't be asked: {}", explain(&failure)));
            said.help("does Caddy run, and is `admin` in the host file what its Caddyfile says?")
        })?;
        Ok(Self { instance, wish, domain, path, wanted, found, live })
    }

    /// Somebody else has the file or the host name.
    fn taken(&self) -> Option<Diagnostic> {
        if self.wish.gateway.printed {
            return None; // whoever writes the files answers for them
        }
        let place = Section::of(self.instance).at("domain");
        if self.found.foreign && self.found.content != Sameness::Absent {
            let said = place.error(format!("{} is there, and not written by this stack", self.path));
            return Some(said.help("move it away if this stack is to serve the host name, or choose another one"));
        }
        let before = |owned: &stackrun_plugin::types::OwnedBefore| owned.thing.name == self.domain;
        if self.instance.owned.iter().any(before) || self.found.content != Sameness::Absent {
            return None;
        }
        if !self.live.serves(&self.domain) {
            return None;
        }
        let said = place.error(format!("{} is served by Caddy already, {}", self.domain, self.by_whom()));
        Some(said.help("choose another host name, or take the other site away and reload Caddy"))
    }

    fn by_whom(&self) -> String {
        let directory = &self.wish.gateway.sites;
        let entries = files::entries(directory).ok().flatten().unwrap_or_default();
        let paths: Vec<String> = entries.iter().map(|entry| format!("{directory}/{entry}")).collect();
        let mentions = files::mention(&paths, &self.domain);
        let found = paths.into_iter().zip(mentions).filter(|(_, mentions)| matches!(mentions, Ok(true)));
        match found.map(|(path, _)| path).collect::<Vec<_>>() {
            paths if paths.is_empty() => "by its main Caddyfile or what else that imports".to_owned(),
            paths => format!("by {}", paths.join(", ")),
        }
    }

    fn owned(&self) -> Owned {
        Owned {
            thing: Thing {
                key: "site".to_owned(),
                connection: self.wish.gateway.connection.clone(),
                kind: "site".to_owned(),
                name: self.domain.clone(),
            },
            holds_data: false,
            adopted: false,
            undo: vec![Move { step: files::remove(&self.path), revert: Revert::ByHost }],
            undo_settle: vec![self.run("reload")],
        }
    }

    fn action(&self) -> Option<Action> {
        let (change, reason, differences) = self.change()?;
        Some(Action {
            thing: "site".to_owned(),
            change,
            reason,
            differences,
            moves: vec![
                Move { step: files::write(&self.wanted), revert: Revert::ByHost },
                // Caddy reads its whole configuration: one broken file would block every later reload.
                Move { step: self.run("validate"), revert: Revert::ByHost },
            ],
            no_return: None,
            settle: vec![self.run("reload")],
            proof: vec![self.check(PROOF_MS)],
            after: Vec::new(),
        })
    }

    /// What has to change and why; none when all is as it should be.
    fn change(&self) -> Option<(Change, String, Vec<Difference>)> {
        let Comparison { content, mode, owner, .. } = &self.found;
        let served = self.live.serves(&self.domain);
        if self.wish.gateway.printed && served && known(&self.wish.to).is_none_or(|to| self.live.leads_to(&to)) {
            return None; // by whatever file
        }
        if *content == Sameness::Absent {
            return Some((Change::Create, format!("{} is not served yet", self.domain), Vec::new()));
        }
        let differs = [("content", content), ("mode", mode), ("owner", owner)];
        let differs: Vec<Difference> = differs
            .into_iter()
            .filter(|(_, sameness)| **sameness != Sameness::Same)
            .map(|(what, _)| Difference { what: what.to_owned(), before: None, after: None })
            .collect();
        if !differs.is_empty() {
            return Some((Change::Update, "the site file is another one".to_owned(), differs));
        }
        if !served {
            let reason = format!("the site file is there, but Caddy does not serve {}", self.domain);
            return Some((Change::Update, reason, differs));
        }
        if self.instance.owned.iter().any(|owned| !owned.proven) {
            return Some((Change::Update, "it did not work after the last run".to_owned(), differs));
        }
        None
    }

    fn address(&self) -> String {
        known(&self.wish.url()).unwrap_or_default() // the domain is known, and with it all of it
    }

    fn run(&self, verb: &str) -> stackrun_plugin::types::Step {
        services::run(&self.wish.gateway.connection, verb)
    }

    /// The page through the gateway. With a certificate that is not for the host name, or that nobody here trusts, there
    /// is no answer at all.
    fn check(&self, timeout_ms: u32) -> CheckOf {
        let page = Page::of(self.instance, &self.wish);
        CheckOf {
            id: "page".to_owned(),
            says: format!("{}{} shows the application, with a certificate for this name", self.address(), page.path),
            condition: page.condition(&self.wish.gateway.connection, &self.domain),
            timeout_ms,
        }
    }
}

/// The page that is opened to see that the site works.
struct Page {
    path: String,
    statuses: Vec<u16>,
    contains: Option<String>,
}

impl Page {
    /// The section's path, else the contract's page, else whatever `/` leads to.
    fn of(instance: &Instance, wish: &Wish) -> Self {
        let asked = Section::of(instance).string("page");
        let page = Section::contract(instance).map(|contract| contract.at("page"));
        let of_contract = page.as_ref().and_then(|page| page.string("path"));
        let path = asked.clone().or(of_contract.clone()).unwrap_or_else(|| "/".to_owned());
        if let Auth::Forward(_) = wish.auth {
            // Nobody is signed in: the application must not be seen.
            return Self { path, statuses: vec![302, 303, 401], contains: None };
        }
        match page {
            Some(page) if of_contract.as_ref() == Some(&path) => {
                let status = |place: &Section<'_>| u16::try_from(place.as_integer()?).ok();
                let statuses = page.items("statuses").iter().filter_map(status).collect();
                Self { path, statuses, contains: page.string("contains") }
            }
            _ if asked.is_some() => Self { path, statuses: vec![200], contains: None },
            _ => Self { path, statuses: vec![200, 301, 302, 303, 307, 308], contains: None },
        }
    }

    fn condition(&self, gateway: &str, domain: &str) -> Condition {
        let origin = Origin::site(gateway, &literal(domain));
        let request = Request::new(&origin, Method::Get, &literal(&self.path));
        if !self.statuses.is_empty() {
            request.accept(&self.statuses);
        }
        match &self.contains {
            Some(text) => http::shows(&request, text),
            None => http::answers(&request, None, None),
        }
    }
}
