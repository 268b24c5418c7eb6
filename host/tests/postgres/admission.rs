//! The blocks in pg_hba.conf and pg_ident.conf: written, parsed by the server, put back, made live.

use stackrun::{
    capability::{
        Held, StepKind, Vantage,
        sql::{HbaQuestion, HbaRules, RevokeAdmission, SqlLogin, SqlReload, Statement::*, login},
    },
    model::{
        Sameness, WriteMode,
        desired::{Admission, HbaEntry, IdentEntry},
    },
};

use super::{
    cluster::{HBA, owner_and_mode},
    stage::{Stage, database},
};

fn entry(name: &str, network: Option<&str>, method: &str, map: Option<&str>) -> HbaEntry {
    HbaEntry {
        database: name.into(),
        role: name.into(),
        network: network.map(str::to_owned),
        method: method.into(),
        map: map.map(str::to_owned),
    }
}

fn admission(name: &str) -> Admission {
    Admission {
        connection: "main".into(),
        hba: vec![entry(name, Some("127.0.0.1/32"), "trust", None), entry(name, None, "peer", Some("media-users"))],
        ident: vec![IdentEntry { map: "media-users".into(), system_user: "nobody".into(), role: name.into() }],
    }
}

async fn rules(stage: &Stage) -> HbaRules {
    stage.world.memo.clear();
    let permit = stage.gate.sql_hba(HbaQuestion { connection: "main".into() }).unwrap();
    stage.world.sql_hba(&permit).await.unwrap()
}

async fn compared(stage: &Stage, admission: &Admission) -> Sameness {
    stage.world.memo.clear();
    stage.world.sql_compare_admission(&stage.gate.sql_admission(admission.clone()).unwrap()).await.unwrap()
}

fn read(stage: &Stage) -> (String, String) {
    let read = |path| String::from_utf8(std::fs::read(path).unwrap()).unwrap();
    (read(stage.cluster.hba()), read(stage.cluster.ident()))
}

/// For the names property: the rule that the server reads names this role and database and nothing else.
pub async fn lets_in_exactly(stage: &Stage, name: &str) {
    let acting = stage.acting();
    admission(name).carry_out(&acting).await.unwrap();
    let rules = rules(stage).await;
    assert!(rules.broken.is_empty(), "{rules:?}");
    let ours: Vec<_> = rules.rules.iter().filter(|rule| rule.ours).collect();
    assert_eq!(ours.len(), 2);
    for rule in ours {
        // As pg_hba_file_rules shows them; a name that needs no quotes could be a keyword, but none is granted.
        assert_eq!((&rule.databases[..], &rule.users[..]), (&[name.to_owned()][..], &[name.to_owned()][..]));
    }
    RevokeAdmission { connection: "main".into() }.carry_out(&acting).await.unwrap();
}

#[tokio::test]
async fn blocks_are_written_before_the_first_rule_and_removed_without_a_trace() {
    let stage = Stage::new();
    let acting = stage.acting();
    let old = read(&stage);
    let facts = owner_and_mode(&stage.cluster.hba());
    let wanted = admission("media");
    assert_eq!(compared(&stage, &wanted).await, Sameness::Absent);

    let preview = wanted.preview(&acting).await;
    let shown: Vec<_> = preview.lines.iter().map(|line| line.text.as_str()).collect();
    assert!(shown.contains(&"host media media 127.0.0.1/32 trust"), "{preview:?}");

    let before = wanted.before(&acting).await.unwrap();
    wanted.carry_out(&acting).await.unwrap();
    let (hba, ident) = read(&stage);
    let block = "# >>> stackrun stack postgres.media\nhost media media 127.0.0.1/32 trust\n\
                 local media media peer map=media-users\n# <<< stackrun stack postgres.media\n";
    assert_eq!(hba, HBA.replace("local all postgres", &format!("{block}local all postgres")));
    assert!(ident.contains("media-users nobody media\n"), "{ident}");
    assert_eq!(owner_and_mode(&stage.cluster.hba()), facts);
    assert_eq!(compared(&stage, &wanted).await, Sameness::Same);
    let ours: Vec<_> = rules(&stage).await.rules.iter().filter(|rule| rule.ours).map(|rule| rule.line).collect();
    assert_eq!(ours, [3, 4]);
    assert!(wanted.is_done(&acting).await.unwrap());

    // Once more changes nothing; an edit by hand is seen and repaired.
    wanted.carry_out(&acting).await.unwrap();
    assert_eq!(read(&stage).0, hba);
    std::fs::write(stage.cluster.hba(), hba.replace("127.0.0.1/32", "0.0.0.0/0")).unwrap();
    assert_eq!(compared(&stage, &wanted).await, Sameness::Different);
    wanted.carry_out(&acting).await.unwrap();
    assert_eq!(read(&stage).0, hba);

    // Even when the edit has broken the line.
    std::fs::write(stage.cluster.hba(), hba.replace("32 trust", "32 trusting")).unwrap();
    assert!(rules(&stage).await.broken.is_empty(), "a line of ours is repaired, not complained about");
    wanted.carry_out(&acting).await.unwrap();
    assert_eq!(read(&stage).0, hba);

    let revoke = RevokeAdmission { connection: "main".into() };
    let there = revoke.before(&acting).await.unwrap();
    revoke.carry_out(&acting).await.unwrap();
    assert_eq!(read(&stage), old);
    revoke.revert(&there, &acting).await.unwrap();
    assert_eq!(read(&stage).0, hba);
    wanted.revert(&before, &acting).await.unwrap();
    assert_eq!(read(&stage), old);
}

#[tokio::test]
async fn with_somebodys_broken_line_nothing_is_written() {
    let stage = Stage::new();
    let acting = stage.acting();
    let broken = format!("{HBA}host all all nonsense\n");
    std::fs::write(stage.cluster.hba(), &broken).unwrap();
    let seen = rules(&stage).await;
    assert_eq!((seen.broken.len(), seen.broken[0].line), (1, 4));
    let refused = admission("media").carry_out(&acting).await.unwrap_err().to_string();
    assert!(refused.contains("line 4 is broken") && refused.contains("correct the line first"), "{refused}");
    assert_eq!(read(&stage).0, broken);
    let refused = SqlReload { connection: "main".into() }.carry_out(&acting).await.unwrap_err().to_string();
    assert!(refused.contains("no reload takes effect"), "{refused}");

    std::fs::write(stage.cluster.hba(), HBA).unwrap();
    std::fs::write(stage.cluster.ident(), "one two\n").unwrap();
    assert_eq!(rules(&stage).await.broken[0].line, 1);
}

/// A comment that ends with a backslash goes on in the next line. A block before that line brings it to life.
#[tokio::test]
async fn the_old_bytes_are_back_when_the_server_does_not_like_the_new_ones() {
    let stage = Stage::new();
    let acting = stage.acting();
    for hidden in ["this is no rule at all", "host all all 0.0.0.0/0 trust"] {
        let old = format!("# a note \\\n{hidden}\nlocal all postgres peer\n");
        std::fs::write(stage.cluster.hba(), &old).unwrap();
        let facts = owner_and_mode(&stage.cluster.hba());
        let ident = read(&stage).1;
        let refused = admission("media").carry_out(&acting).await.unwrap_err().to_string();
        assert!(refused.contains("the files are as they were before"), "{refused}");
        assert_eq!(read(&stage), (old, ident));
        assert_eq!(owner_and_mode(&stage.cluster.hba()), facts);
    }
}

#[tokio::test]
async fn damaged_markers_are_an_error() {
    let stage = Stage::new();
    let damaged = format!("# >>> stackrun stack postgres.media\n{HBA}");
    std::fs::write(stage.cluster.hba(), &damaged).unwrap();
    let refused = admission("media").carry_out(&stage.acting()).await.unwrap_err().to_string();
    assert!(refused.contains("pg_hba.conf: line 1"), "{refused}");
    assert_eq!(read(&stage).0, damaged);
}

#[tokio::test]
async fn a_run_that_was_killed_leaves_nothing_in_the_way() {
    let stage = Stage::new();
    let aside = stage.cluster.hba().with_file_name(".pg_hba.conf.stackrun");
    std::fs::write(&aside, "half a fi").unwrap();
    admission("media").carry_out(&stage.acting()).await.unwrap();
    assert!(!aside.exists());
}

#[tokio::test]
async fn a_rule_is_live_after_a_reload_and_gone_after_another() {
    let stage = Stage::new();
    let acting = stage.acting();
    stage.run(CreateRole { role: "media".into() }).await;
    stage.run(CreateDatabase(database("media", "media"))).await;
    let login = SqlLogin { connection: "main".into(), database: "media".into(), role: "media".into(), password: None };
    let ask = async || login::ask(&login, &Vantage::Host, &acting).await.unwrap();
    let Held::No(seen) = ask().await else { panic!("nobody was let in yet") };
    assert!(seen.contains("no pg_hba.conf entry"), "{seen}");

    admission("media").carry_out(&acting).await.unwrap();
    assert!(matches!(ask().await, Held::No(_)), "written, but not live");
    SqlReload { connection: "main".into() }.carry_out(&acting).await.unwrap();
    assert_eq!(ask().await, Held::Yes);

    RevokeAdmission { connection: "main".into() }.carry_out(&acting).await.unwrap();
    SqlReload { connection: "main".into() }.carry_out(&acting).await.unwrap();
    assert!(matches!(ask().await, Held::No(_)));
}

#[tokio::test]
async fn with_write_print_nothing_is_written_and_the_lines_are_shown() {
    let stage = Stage::with(WriteMode::Print, "media", "media");
    let acting = stage.acting();
    let preview = admission("media").preview(&acting).await;
    assert!(preview.headline.contains("nothing is written"), "{preview:?}");
    assert!(preview.lines.iter().any(|line| line.text == "host media media 127.0.0.1/32 trust"));
    assert!(preview.lines.iter().any(|line| line.text.contains("pg_hba.conf")));
    admission("media").carry_out(&acting).await.unwrap();
    assert_eq!(read(&stage).0, HBA);
}

/// The file mounted over itself, read-only, as a generated one on another file system.
struct ReadOnly(std::path::PathBuf);

impl ReadOnly {
    fn mount(file: std::path::PathBuf) -> Self {
        let mount = |arguments: &[&str]| {
            let status = std::process::Command::new("mount").args(arguments).arg(&file).status().unwrap();
            assert!(status.success(), "mount {arguments:?}");
        };
        mount(&["--bind", file.to_str().unwrap()]);
        let mounted = Self(file.clone());
        mount(&["-o", "remount,ro,bind"]);
        mounted
    }
}

impl Drop for ReadOnly {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg(&self.0).status();
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_said_when_the_plan_is_made() {
    for (write, says) in [(WriteMode::Files, Some("write = \"print\"")), (WriteMode::Print, None)] {
        let stage = Stage::with(write, "media", "media");
        let mounted = ReadOnly::mount(stage.cluster.hba());
        let permit = stage.gate.sql_admission(admission("media")).unwrap();
        let compared = stage.world.sql_compare_admission(&permit).await;
        drop(mounted);
        match says {
            Some(says) => {
                let said = compared.unwrap_err().to_string();
                assert!(said.contains("pg_hba.conf can't be written") && said.contains(says), "{said}");
            }
            None => assert_eq!(compared.unwrap(), Sameness::Absent),
        }
    }
}

/// Other people's rules may hold passwords: the plan shows the lines around ours, and plugins are handed the options.
#[tokio::test]
async fn passwords_in_rules_of_others_are_not_shown() {
    let stage = Stage::new();
    let ldap = "host other other 10.9.9.9/32 ldap ldapserver=dc.example ldapbasedn=\"dc=x\" ldapbinddn=\"cn=reader\" \
                ldapbindpasswd=\"hunter22 and more\" ldapsearchattribute=uid\n";
    let radius = "host third third 10.9.9.9/32 radius radiusservers=10.9.9.8 radiussecrets=hunter33\n";
    let spread = "host fourth fourth 10.9.9.9/32 ldap ldapserver=dc.example ldapbasedn=\"dc=x\" ldapbind\"passwd\"=\\\n\
                  hunter44\n";
    std::fs::write(stage.cluster.hba(), format!("{ldap}{radius}{spread}{HBA}")).unwrap();

    let told = format!("{:?}", rules(&stage).await);
    let preview = format!("{:?}", admission("media").preview(&stage.acting()).await);
    for (shown, what) in [(&told, "ldapserver=dc.example"), (&preview, "radiusservers=10.9.9.8")] {
        assert!(shown.contains(what), "the rules are there: {shown}");
        assert!(!shown.contains("hunter"), "{shown}");
    }
    // What is not shown is still there.
    admission("media").carry_out(&stage.acting()).await.unwrap();
    assert!([ldap, radius, spread].iter().all(|rule| read(&stage).0.contains(rule)));

    // PostgreSQL complains of a line, and quotes what it does not understand: here, the password.
    let broken = "host fifth fifth 10.9.9.9/32 ldap ldapserver=dc.example ldapbindpasswd= hunter55\n";
    std::fs::write(stage.cluster.hba(), format!("{HBA}{broken}")).unwrap();
    let seen = rules(&stage).await;
    assert_eq!(seen.broken[0].line, 4, "{seen:?}");
    let refused = admission("media").carry_out(&stage.acting()).await.unwrap_err().to_string();
    assert!(refused.contains("line 4 is broken") && refused.contains("may be a password"), "{refused}");
    assert!(!format!("{seen:?}{refused}").contains("hunter"), "{seen:?}");
}
