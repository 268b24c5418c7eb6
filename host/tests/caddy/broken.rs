//! Servers that do not behave.

use std::{
    io::{Read, Write},
    net::TcpListener,
};

use stackrun::{
    capability::{
        StepKind,
        http::{HttpExchange, HttpQuestion},
    },
    model::desired::{Method, Origin, Request},
};

use super::stage::{Stage, connection, get};

/// A server that answers one request with these bytes and hangs up.
fn answering(bytes: &'static [u8]) -> Stage {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(bytes);
    });
    Stage::with(vec![connection("it", "dns", Some(&address), &[])])
}

async fn ask(stage: &Stage) -> String {
    let permit = stage.gate.http(get(Origin::Connection("it".to_owned()), "/")).unwrap();
    let question = HttpQuestion { fields: vec!["/x".to_owned()], same: Vec::new() };
    stage.world.http_ask(&permit, &question).await.unwrap_err().to_string()
}

#[tokio::test]
async fn nonsense_is_called_nonsense() {
    let why = ask(&answering(b"SSH-2.0-OpenSSH_9.2\r\n")).await;
    assert!(why.contains("the answer is no HTTP"), "{why}");
    let why = ask(&answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")).await;
    assert!(why.ends_with("the answer (status 200) is no JSON"), "{why}");
}

#[tokio::test]
async fn an_answer_without_end_is_too_large() {
    static LONG: [u8; 2 << 20] = {
        let mut bytes = [b' '; 2 << 20];
        let head = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
        let mut at = 0;
        while at < head.len() {
            bytes[at] = head[at];
            at += 1;
        }
        bytes
    };
    assert_eq!(ask(&answering(&LONG)).await, "the answer is too large");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let stage = answering(b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/evil\r\ncontent-length: 0\r\n\r\n");
    let permit = stage.gate.http(get(Origin::Connection("it".to_owned()), "/")).unwrap();
    let answer = stage.world.http_ask(&permit, &HttpQuestion::default()).await.unwrap();
    assert_eq!(answer.status, 302);
}

#[tokio::test]
async fn a_post_without_an_answer_may_have_arrived_and_is_said_to() {
    let post = Request { method: Method::Post, ..get(Origin::Connection("it".to_owned()), "/reg") };
    let error = HttpExchange::of(&post).carry_out(&answering(b"").acting()).await.unwrap_err().to_string();
    assert!(error.contains("the request may have arrived, and done what it asks"), "{error}");
}

#[tokio::test]
async fn a_refused_request_shows_the_servers_reason_and_no_other_field() {
    let refusing = b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\n\r\n\
        {\"error\":\"invalid_redirect_uri\",\"error_description\":\"no\",\"token\":\"s3cr3t!!\"}";
    let post = Request { method: Method::Post, ..get(Origin::Connection("it".to_owned()), "/reg") };
    let error = HttpExchange::of(&post).carry_out(&answering(refusing).acting()).await.unwrap_err().to_string();
    assert_eq!(error, "POST /reg of connection it: answered with status 400: invalid_redirect_uri: no");
}
