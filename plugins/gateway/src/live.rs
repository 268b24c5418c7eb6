//! What Caddy serves at this moment, by its admin API.

use stackrun_plugin::{
    http::{self, Method, Origin, Question, Request},
    literal,
    types::Failure,
};

/// The configured sites.
pub struct Live {
    /// Host names of all sites.
    pub hosts: Vec<String>,
    /// Where all sites send requests to.
    pub targets: Vec<String>,
}

/// Sites stand in routes of their own; what they do is nested in more of these.
const HOSTS: &str = "/*/routes/*/match/*/host/*";
const TARGETS: [&str; 3] = [
    "/*/routes/*/handle/*/routes/*/handle/*/upstreams/*/dial",
    "/*/routes/*/handle/*/routes/*/handle/*/routes/*/handle/*/upstreams/*/dial",
    "/*/routes/*/handle/*/routes/*/handle/*/routes/*/handle/*/routes/*/handle/*/upstreams/*/dial",
];

impl Live {
    /// Asks.
    pub fn ask(connection: &str) -> Result<Self, Failure> {
        let origin = Origin::connection(connection);
        let request = Request::new(&origin, Method::Get, &literal("/config/apps/http/servers"));
        request.accept(&[200, 400, 404]); // the latter two where nothing is configured at all
        let fields = [HOSTS].into_iter().chain(TARGETS).map(str::to_owned).collect();
        let answers = http::ask(&[(&request, Question { fields, same: Vec::new() })]);
        let answer = answers.into_iter().next().unwrap_or(Err(Failure::Other("no answer".to_owned())))?;
        let mut found = answer.fields.into_iter();
        let hosts = found.next().unwrap_or_default();
        Ok(Self { hosts, targets: found.flatten().collect() })
    }

    /// Whether some site has this host name.
    pub fn serves(&self, domain: &str) -> bool {
        self.hosts.iter().any(|host| host.eq_ignore_ascii_case(domain))
    }

    /// Whether some site sends requests there.
    pub fn leads_to(&self, target: &str) -> bool {
        let bare = target.strip_prefix("http://").or_else(|| target.strip_prefix("https://")).unwrap_or(target);
        self.targets.iter().any(|dial| dial == bare)
    }
}
