//! What the vault promises, on a store on the disk.

use std::os::unix::fs::{MetadataExt, PermissionsExt};

use super::*;
use crate::{
    model::value::{Encoding, Part},
    test_support::machine::{Stage, app, made},
};

fn generated(stage: &Stage, name: &str) -> String {
    let permit = stage.gate.own_secret(&made(name)).unwrap();
    stage.vault().generate(&permit, Generator::Alphanumeric, 40).unwrap();
    stage.vault().reveal(&made(name)).unwrap().to_string()
}

fn digest(rounds: u32) -> Target {
    Target::Derived(Form::Pbkdf2Sha512(rounds), Box::new(made("token")))
}

#[test]
fn a_secret_is_generated_once_and_then_kept() {
    let mut stage = Stage::new();
    assert_eq!(stage.vault().presence(&made("token")).unwrap(), Presence::Absent);
    assert_eq!(stage.vault().reveal(&made("token")).unwrap_err(), Failure::NotYet);
    let first = generated(&stage, "token");
    assert_eq!((first.len(), generated(&stage, "token")), (40, first.clone()));
    stage.next_run();
    assert_eq!(generated(&stage, "token"), first);
    let file = stage.path("store/media/secret.app/token.age");
    assert_eq!(std::fs::metadata(&file).unwrap().mode() & 0o7777, 0o600);
    assert_eq!(std::fs::metadata(stage.path("store/media")).unwrap().mode() & 0o7777, 0o700);
    assert!(std::fs::read(&file).unwrap().starts_with(b"age-encryption.org/"));
}

#[test]
fn opening_a_vault_makes_nothing() {
    let stage = Stage::new();
    assert_eq!(stage.vault().presence(&made("token")).unwrap(), Presence::Absent);
    stage.vault().digest(b"x").unwrap();
    assert_eq!(stage.vault().redact("nothing"), "nothing");
    assert!(!stage.path("store").exists());
}

#[test]
fn a_later_run_knows_presence_and_fitness_without_decrypting() {
    let mut stage = Stage::new();
    generated(&stage, "token");
    let before = stage.vault().presence(&made("token")).unwrap();
    stage.next_run();
    stage.lose_identity();
    assert_eq!(stage.vault().presence(&made("token")).unwrap(), before);
    assert_eq!(stage.vault().fits(&made("token"), Alphabet::Alphanumeric).unwrap(), Fitness::Fit);
    assert_eq!(stage.vault().fits(&made("password"), Alphabet::Alphanumeric).unwrap(), Fitness::NotYetKnown);
    assert!(!stage.vault().finds_secret_in(b"a long answer of a server that holds no secret"));
    let refused = stage.vault().reveal(&made("token")).unwrap_err().to_string();
    assert!(refused.contains("identity file") && refused.contains("can't be read"), "{refused}");
}

#[test]
fn a_secret_that_state_knows_and_the_store_lacks_is_never_generated_again() {
    let mut stage = Stage::new();
    generated(&stage, "token");
    std::fs::remove_file(stage.path("store/media/secret.app/token.age")).unwrap();
    stage.next_run();
    let Presence::Lost(why) = stage.vault().presence(&made("token")).unwrap() else { panic!("it is lost") };
    assert!(why.contains("stackrun secret set"), "{why}");
    let permit = stage.gate.own_secret(&made("token")).unwrap();
    assert!(stage.vault().generate(&permit, Generator::Hex, 32).is_err());
    assert!(!stage.path("store/media/secret.app/token.age").exists());
    stage.vault().set(&made("token"), "brought back").unwrap();
    assert_eq!(*stage.vault().reveal(&made("token")).unwrap(), "brought back");
}

#[test]
fn a_damaged_file_is_an_error_and_stays_as_it_is() {
    let mut stage = Stage::new();
    generated(&stage, "token");
    let file = stage.path("store/media/secret.app/token.age");
    std::fs::write(&file, "age-encryption.org/v1\nnonsense").unwrap();
    stage.next_run();
    let said = stage.vault().presence(&made("token")).unwrap_err().to_string();
    assert!(said.contains("damaged") && said.contains("token.age"), "{said}");
    let permit = stage.gate.own_secret(&made("token")).unwrap();
    assert!(stage.vault().generate(&permit, Generator::Hex, 32).is_err());
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "age-encryption.org/v1\nnonsense");
}

#[test]
fn what_others_can_write_is_refused() {
    let mut stage = Stage::new();
    generated(&stage, "token");
    let open = |stage: &Stage| Vault::open(stage.host_file.clone(), "media", stage.world.state.clone());
    for (path, mode, restore) in
        [("store", 0o777, 0o700), ("store/media", 0o770, 0o700), ("store/media/fingerprint.key", 0o644, 0o600)]
    {
        std::fs::set_permissions(stage.path(path), PermissionsExt::from_mode(mode)).unwrap();
        let refused = open(&stage).unwrap_err().to_string();
        assert!(refused.contains("chmod"), "{path}: {refused}");
        std::fs::set_permissions(stage.path(path), PermissionsExt::from_mode(restore)).unwrap();
    }
    std::fs::set_permissions(stage.path("store/media/secret.app/token.age"), PermissionsExt::from_mode(0o666)).unwrap();
    stage.next_run();
    assert!(stage.vault().presence(&made("token")).unwrap_err().to_string().contains("written by others"));
    std::fs::write(stage.path("store/media/fingerprint.key"), "short").unwrap();
    assert!(open(&stage).unwrap_err().to_string().contains("damaged"));
}

#[test]
fn a_name_that_leads_out_of_the_store_is_refused() {
    let stage = Stage::new();
    for name in ["../x", "a/b", "", ".hidden", "x\0"] {
        stage.vault().declare(&app(), &[Making::Stored { name: name.to_owned() }]);
        assert!(stage.vault().set(&made(name), "value").is_err(), "{name:?}");
    }
    assert!(Vault::open(stage.host_file.clone(), "../media", stage.world.state.clone()).is_err());
    let undeclared = Target::Made("secret.other".parse().unwrap(), "token".to_owned());
    assert!(stage.vault().reveal(&undeclared).is_err());
}

#[test]
fn a_salted_digest_is_made_anew_only_when_its_secret_changed() {
    let mut stage = Stage::new();
    generated(&stage, "token");
    let first = stage.vault().reveal(&digest(1_000)).unwrap();
    assert_eq!(stage.vault().reveal(&digest(1_000)).unwrap(), first);
    assert_ne!(stage.vault().reveal(&digest(2_000)).unwrap(), first);
    stage.vault().remember().unwrap();
    stage.next_run();
    assert_eq!(stage.vault().reveal(&digest(1_000)).unwrap(), first);
    stage.vault().set(&made("token"), "another value").unwrap();
    assert_ne!(stage.vault().reveal(&digest(1_000)).unwrap(), first);
}

#[test]
fn a_text_is_filled_with_values_and_their_encodings() {
    let stage = Stage::new();
    stage.vault().set(&made("token"), "a b/c").unwrap();
    let url = Target::Derived(Form::Encoded(Encoding::UrlComponent), Box::new(made("token")));
    let text = Text::new([
        Part::Literal("x=".into()),
        Part::Reference(made("token")),
        Part::Literal("&y=".into()),
        Part::Reference(url),
    ]);
    assert_eq!(*stage.vault().fill(&text).unwrap(), "x=a b/c&y=a%20b%2Fc");
    assert_eq!(stage.vault().marker(&made("token")), "(secret secret.app.token)");
}

#[test]
fn messages_lose_secrets_of_this_run_and_the_ones_before() {
    let mut stage = Stage::new();
    let old = generated(&stage, "token");
    stage.vault().rotate(&made("token"), Generator::Alphanumeric, 40).unwrap();
    let new = stage.vault().reveal(&made("token")).unwrap();
    assert_ne!(*new, old);
    stage.next_run();
    stage.vault().learned().learn("token of the provider", "temporary-token-1");
    let text = format!("FATAL: {old} and {} and temporary-token-1", *new);
    let clean = stage.vault().redact(&text);
    assert_eq!(
        clean,
        "FATAL: (secret secret.app.token, the one before) and (secret secret.app.token) and (secret token of the provider)"
    );
    assert!(stage.vault().finds_secret_in(text.as_bytes()) && !stage.vault().finds_secret_in(clean.as_bytes()));
}

#[test]
fn credentials_of_connections_are_kept_out_of_messages() {
    let stage = Stage::new();
    let clean = stage.vault().redact("401: no client for initial-access-token");
    assert_eq!(clean, "401: no client for (secret initial_access_token_file of connection provider)");
}

/// Whatever is read is known, although the file was another one when messages were looked through first.
#[test]
fn a_credential_is_known_once_it_is_read() {
    let stage = Stage::new();
    assert_eq!(stage.vault().redact("nothing yet"), "nothing yet");
    let file = stage.path("token");
    std::fs::write(&file, "  rotated-access-token \n").unwrap();
    let bytes = stage.vault().learned().credential("provider", "initial_access_token_file", &file).unwrap();
    assert_eq!(*bytes, b"  rotated-access-token \n");
    for token in ["rotated-access-token", "initial-access-token"] {
        let clean = stage.vault().redact(&format!("401: {token} is not known"));
        assert_eq!(clean, "401: (secret initial_access_token_file of connection provider) is not known");
    }
    assert!(stage.vault().learned().credential("provider", "token_file", &stage.path("none")).is_err());
    let pipe = stage.path("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let refused = stage.vault().learned().credential("provider", "token_file", &pipe).unwrap_err().to_string();
    assert!(refused.contains("not a regular file"), "{refused}");
}

#[test]
fn a_message_is_withheld_when_the_secrets_in_it_cannot_be_opened() {
    let mut stage = Stage::new();
    let value = generated(&stage, "token");
    stage.next_run();
    stage.lose_identity();
    assert_eq!(stage.vault().redact("a harmless message"), "a harmless message");
    let clean = stage.vault().redact(&format!("the password is {value}"));
    assert!(!clean.contains(&value) && clean.contains("withheld"), "{clean}");
    assert!(stage.vault().finds_secret_in(value.as_bytes()));
}

#[test]
fn captured_values_are_secrets_unless_the_host_file_says_otherwise() {
    let mut stage = Stage::new();
    assert!(stage.vault().is_secret(&made("client_secret")) && !stage.vault().is_secret(&made("client_id")));
    let keep = |name: &str, from: &str, pointer: &str| {
        let value = if name == "client_id" { "client-1" } else { "hunter2-hunter2" };
        stage.vault().keep(&made(name), value, Some(from), pointer)
    };
    keep("client_id", "provider", "/client_id").unwrap();
    keep("client_secret", "provider", "/client_secret").unwrap();
    // Where it came from decides whom it may be sent to, and what is plain is kept in clear.
    assert!(keep("client_secret", "another", "/client_secret").is_err(), "another connection's answer");
    assert!(stage.vault().keep(&made("client_secret"), "x", None, "/client_secret").is_err(), "a container's answer");
    assert!(keep("client_id", "provider", "/registration_access_token").is_err(), "a token under a plain name");
    assert!(keep("token", "provider", "/token").is_err(), "a value that is declared as generated");
    let captured = Permit::new(made("client_secret"));
    assert!(stage.vault().generate(&captured, Generator::Hex, 16).is_err(), "a value that is declared as captured");
    stage.next_run();
    assert_eq!(stage.vault().plain_value(&made("client_id")).as_deref(), Some("client-1"));
    assert_eq!(stage.vault().plain_value(&made("client_secret")), None);
    assert_eq!(*stage.vault().reveal(&made("client_secret")).unwrap(), "hunter2-hunter2");
    assert_eq!(stage.vault().marker(&made("client_id")), "client-1");
    let state = std::fs::read(stage.world.state.path()).unwrap();
    assert!(!state.windows(7).any(|window| window == b"hunter2"));
}

#[test]
fn a_secret_by_others_is_read_and_never_written() {
    let stage = Stage::new();
    let file = stage.path("agenix-env");
    std::fs::write(&file, "# app\nTOKEN_SECRET=abc$def-123\n").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o400)).unwrap();
    let from_file = |key: &str| Making::FromFile {
        name: "outside".to_owned(),
        path: file.display().to_string(),
        key: Some(key.to_owned()),
    };
    stage.vault().declare(&app(), &[from_file("TOKEN_SECRET")]);
    assert_eq!(*stage.vault().reveal(&made("outside")).unwrap(), "abc$def-123");
    assert!(matches!(stage.vault().presence(&made("outside")).unwrap(), Presence::Present(_)));
    assert_eq!(stage.vault().redact("it is abc$def-123"), "it is (secret secret.app.outside)");
    assert!(stage.vault().set(&made("outside"), "x").unwrap_err().to_string().contains("read only"));
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o444)).unwrap();
    assert!(stage.vault().warnings().iter().any(|warning| warning.contains("0444")));
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o666)).unwrap();
    assert!(stage.vault().presence(&made("outside")).unwrap_err().to_string().contains("can write it"));
    std::fs::remove_file(&file).unwrap();
    assert!(stage.vault().presence(&made("outside")).unwrap_err().to_string().contains("no such file"));
}

#[test]
fn a_secret_by_others_may_be_an_age_file() {
    let stage = Stage::new();
    let file = stage.path("app-env.age");
    std::fs::write(&file, stage.vault().seal(b"TOKEN=abcdefgh\n").unwrap()).unwrap();
    let making =
        Making::FromFile { name: "outside".into(), path: file.display().to_string(), key: Some("TOKEN".into()) };
    stage.vault().declare(&app(), &[making]);
    assert_eq!(*stage.vault().reveal(&made("outside")).unwrap(), "abcdefgh");
}

#[test]
fn a_discarded_secret_is_gone_with_its_previous_value() {
    let stage = Stage::new();
    generated(&stage, "token");
    stage.vault().rotate(&made("token"), Generator::Hex, 32).unwrap();
    assert!(stage.path("store/media/secret.app/token.age.prev").exists());
    let permit = stage.gate.own_secret(&made("token")).unwrap();
    stage.vault().discard(&permit).unwrap();
    assert!(!stage.path("store/media/secret.app").exists());
    assert_eq!(stage.vault().presence(&made("token")).unwrap(), Presence::Absent);
}

#[test]
fn while_a_plan_replaces_a_value_nobody_knows_it() {
    let stage = Stage::new();
    generated(&stage, "token");
    let before = stage.vault().presence(&made("token")).unwrap();
    stage.vault().mark_outdated([made("token")]);
    for target in [made("token"), digest(1_000)] {
        assert_eq!(stage.vault().presence(&target).unwrap(), Presence::Absent);
        assert_eq!(stage.vault().fits(&target, Alphabet::SingleLine).unwrap(), Fitness::NotYetKnown);
    }
    stage.vault().clear_outdated();
    assert_eq!(stage.vault().presence(&made("token")).unwrap(), before);
}

#[test]
fn nothing_in_state_tells_a_secret() {
    let stage = Stage::new();
    stage.vault().set(&made("token"), "canary-value-0123456789").unwrap();
    stage.vault().reveal(&digest(1_000)).unwrap();
    stage.vault().remember().unwrap();
    for entry in std::fs::read_dir(stage.path("state")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(12).any(|window| window == b"canary-value"));
    }
}

#[test]
fn before_images_are_sealed_and_opened() {
    let stage = Stage::new();
    let sealed = stage.vault().seal(b"hunter2").unwrap();
    assert!(!sealed.windows(7).any(|window| window == b"hunter2"));
    assert_eq!(&**stage.vault().unseal(&sealed).unwrap(), b"hunter2");
}
