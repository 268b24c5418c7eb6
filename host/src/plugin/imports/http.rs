//! `http`: origins, requests, the question and the steps and conditions made of them.

use wasmtime::component::Resource;

use super::ask::Answer;
use crate::{
    capability::{
        Condition, ConditionKind, Gate, Step, Vantage,
        http::{HttpAnswer, HttpAnswers, HttpExchange, HttpLeadsTo, HttpQuestion, HttpSend, HttpShows},
    },
    model::desired::{Bearer, Body, Capture, Method, Origin, Request},
    plugin::{
        What,
        bindings::stackrun::plugin::{
            http as wit,
            types::{Text, Tree},
        },
        call::Call,
    },
    world::World,
};

impl wit::Host for Call {
    fn ask(&mut self, requests: Vec<(Resource<Request>, wit::Question)>) -> wasmtime::Result<Vec<Answer<HttpAnswer>>> {
        let questions = requests.into_iter().map(|(request, wit::Question { fields, same })| {
            let request = self.get(&request)?;
            Ok((request, HttpQuestion { fields, same: self.pairs(same)? }))
        });
        let questions = questions.collect::<wasmtime::Result<_>>()?;
        let permit = |gate: &Gate, (request, question)| Ok((gate.http(request)?, question));
        let ask = async |world: &World, (permit, question): &(_, HttpQuestion)| world.http_ask(permit, question).await;
        self.ask_each("http.ask", questions, permit, ask)
    }

    fn send(&mut self, request: Resource<Request>) -> wasmtime::Result<Resource<Step>> {
        let request = Box::new(self.get(&request)?);
        self.step(Step::HttpSend(HttpSend { request }))
    }

    fn exchange(&mut self, requests: Vec<Resource<Request>>) -> wasmtime::Result<Resource<Step>> {
        let requests = requests.iter().map(|request| self.get(request)).collect::<wasmtime::Result<Vec<_>>>()?;
        for (number, request) in requests.iter().enumerate() {
            if let Some(Bearer::Earlier { request: earlier, .. }) = &request.bearer
                && usize::try_from(*earlier).unwrap_or(usize::MAX) >= number
            {
                return self
                    .fail(What::Incoherent(format!("request {number} of an exchange waits for request {earlier}")));
            }
        }
        self.step(Step::HttpExchange(HttpExchange { requests }))
    }

    fn answers(
        &mut self,
        request: Resource<Request>,
        pointer: Option<String>,
        equals: Option<Text>,
    ) -> wasmtime::Result<Resource<Condition>> {
        let request = self.get(&request)?;
        let equals = equals.map(|equals| self.text(equals)).transpose()?;
        let kind = ConditionKind::HttpAnswers(HttpAnswers { request, pointer, equals });
        self.condition(Condition { kind, vantage: Vantage::Host })
    }

    fn shows(&mut self, request: Resource<Request>, contains: String) -> wasmtime::Result<Resource<Condition>> {
        let kind = ConditionKind::HttpShows(HttpShows { request: self.get(&request)?, contains });
        self.condition(Condition { kind, vantage: Vantage::Host })
    }

    fn refuses(&mut self, request: Resource<Request>) -> wasmtime::Result<Resource<Condition>> {
        let request = self.get(&request)?;
        self.condition(Condition { kind: ConditionKind::HttpRefuses(request), vantage: Vantage::Host })
    }

    fn leads_to(
        &mut self,
        request: Resource<Request>,
        pointer: String,
        provider: String,
        expect_query: Vec<(String, Text)>,
    ) -> wasmtime::Result<Resource<Condition>> {
        let request = self.get(&request)?;
        let expect_query = self.pairs(expect_query)?;
        let kind = ConditionKind::HttpLeadsTo(HttpLeadsTo { request, pointer, provider, expect_query });
        self.condition(Condition { kind, vantage: Vantage::Host })
    }
}

impl Call {
    fn pairs(&mut self, pairs: Vec<(String, Text)>) -> wasmtime::Result<Vec<(String, crate::model::value::Text)>> {
        pairs.into_iter().map(|(key, value)| Ok((key, self.text(value)?))).collect()
    }
}

impl wit::HostOrigin for Call {
    fn connection(&mut self, name: String) -> wasmtime::Result<Resource<Origin>> {
        self.push(Origin::Connection(name))
    }

    fn container(
        &mut self,
        connection: String,
        name: String,
        container_port: u16,
    ) -> wasmtime::Result<Resource<Origin>> {
        self.push(Origin::Container { connection, name, container_port })
    }

    fn site(&mut self, gateway: String, host: Text) -> wasmtime::Result<Resource<Origin>> {
        let host = self.text(host)?;
        self.push(Origin::Site { gateway, host })
    }

    fn url(&mut self, url: Text) -> wasmtime::Result<Resource<Origin>> {
        let url = self.text(url)?;
        self.push(Origin::Url(url))
    }

    fn drop(&mut self, origin: Resource<Origin>) -> wasmtime::Result<()> {
        self.dropped(origin)
    }
}

impl wit::HostRequest for Call {
    fn new(
        &mut self,
        origin: Resource<Origin>,
        method: wit::Method,
        path: Text,
    ) -> wasmtime::Result<Resource<Request>> {
        let method = match method {
            wit::Method::Get => Method::Get,
            wit::Method::Post => Method::Post,
            wit::Method::Put => Method::Put,
            wit::Method::Patch => Method::Patch,
            wit::Method::Delete => Method::Delete,
        };
        let origin = self.get(&origin)?;
        let path = self.text(path)?;
        self.push(Request {
            origin,
            method,
            path,
            headers: Vec::new(),
            bearer: None,
            body: Body::None,
            accept: Vec::new(),
            captures: Vec::new(),
        })
    }

    fn header(&mut self, request: Resource<Request>, name: String, value: Text) -> wasmtime::Result<()> {
        let value = self.text(value)?;
        self.edit(&request, |request| request.headers.push((name, value)))
    }

    fn bearer(&mut self, request: Resource<Request>, token: u32) -> wasmtime::Result<()> {
        let token = self.target(token)?;
        self.edit(&request, |request| request.bearer = Some(Bearer::Reference(token)))
    }

    fn use_credential(&mut self, request: Resource<Request>) -> wasmtime::Result<()> {
        self.edit(&request, |request| request.bearer = Some(Bearer::Credential))
    }

    fn form(&mut self, request: Resource<Request>, fields: Vec<(String, Text)>) -> wasmtime::Result<()> {
        let fields = self.pairs(fields)?;
        self.edit(&request, |request| request.body = Body::Form(fields))
    }

    fn json(&mut self, request: Resource<Request>, body: Tree) -> wasmtime::Result<()> {
        let body = self.tree(body)?;
        self.edit(&request, |request| request.body = Body::Json(body))
    }

    fn accept(&mut self, request: Resource<Request>, statuses: Vec<u16>) -> wasmtime::Result<()> {
        self.edit(&request, |request| request.accept = statuses)
    }

    fn capture(&mut self, request: Resource<Request>, pointer: String, into: u32) -> wasmtime::Result<()> {
        let into = self.target(into)?;
        self.edit(&request, |request| request.captures.push(Capture { pointer, into }))
    }

    fn bearer_from(&mut self, request: Resource<Request>, earlier: u32, pointer: String) -> wasmtime::Result<()> {
        self.edit(&request, |request| request.bearer = Some(Bearer::Earlier { request: earlier, pointer }))
    }

    fn drop(&mut self, request: Resource<Request>) -> wasmtime::Result<()> {
        self.dropped(request)
    }
}
