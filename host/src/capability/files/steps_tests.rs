//! Files in a real directory: written, compared, taken back, kept from leaving their grant.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use super::{
    DirectoryMake, DirectoryRemoveIfEmpty, FileKind, FileLook, FileMention, FileRead, FileRemove, FileRemoveBlock,
    Writable,
};
use crate::{
    capability::{Preview, Sign, StepFailure, StepKind},
    model::{
        Denial, Failure, Sameness,
        desired::{Content, FileOwner, Format, Position, Region, WantedFile},
        value::{Part, Text, Tree},
    },
    test_support::machine::{Stage, made},
};

fn file(stage: &Stage, name: &str, content: Content) -> WantedFile {
    let path = stage.path("files").join(name).display().to_string();
    WantedFile { path, region: Region::Whole, content, mode: 0o600, owner: None, ignore_owner: false, adopts: None }
}

fn plain(text: &str) -> Content {
    Content::Text(Text::literal(text))
}

fn with_secret() -> Content {
    let token = Tree::Reference(made("token"));
    let host = Tree::literal("db");
    let body = Tree::Table(vec![("host".to_owned(), host), ("token".to_owned(), token)]);
    Content::Document { format: Format::Toml, body }
}

fn block(stage: &Stage, name: &str, text: &str) -> WantedFile {
    let region = Region::Block { comment: "#".to_owned(), position: Position::Last };
    WantedFile { region, mode: 0o644, ..file(stage, name, plain(text)) }
}

async fn write(stage: &Stage, wanted: &WantedFile) {
    wanted.carry_out(&stage.acting()).await.unwrap();
    stage.world.memo.clear();
}

async fn content(stage: &Stage, wanted: &WantedFile) -> Sameness {
    compare(stage, wanted).await.content
}

async fn compare(stage: &Stage, wanted: &WantedFile) -> crate::capability::files::FileComparison {
    let permit = stage.gate.file_write(wanted.clone()).unwrap();
    stage.world.memo.clear();
    stage.world.file_compare(&permit).await.unwrap()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap()
}

fn shown(preview: &Preview) -> String {
    let line = |line: &crate::capability::PreviewLine| {
        let sign = match line.sign {
            Sign::Same => ' ',
            Sign::Added => '+',
            Sign::Removed => '-',
        };
        format!("{sign}{}\n", line.text)
    };
    preview.lines.iter().map(line).collect()
}

fn set_token(stage: &Stage, value: &str) {
    stage.vault().set(&made("token"), value).unwrap();
}

#[tokio::test]
async fn a_file_is_written_compared_and_taken_back() {
    let stage = Stage::new();
    let wanted = file(&stage, "x.toml", plain("a = 1\n"));
    assert_eq!(content(&stage, &wanted).await, Sameness::Absent);
    let before = wanted.before(&stage.acting()).await.unwrap();
    write(&stage, &wanted).await;
    assert_eq!(read(&wanted.path), "a = 1\n");
    assert_eq!(std::fs::metadata(&wanted.path).unwrap().mode() & 0o7777, 0o600);
    let comparison = compare(&stage, &wanted).await;
    assert_eq!((comparison.content, comparison.mode, comparison.foreign), (Sameness::Same, Sameness::Same, false));
    wanted.revert(&before, &stage.acting()).await.unwrap();
    assert!(!std::path::Path::new(&wanted.path).exists());
    assert_eq!(content(&stage, &wanted).await, Sameness::Absent);
}

#[tokio::test]
async fn drift_of_content_mode_and_owner_is_seen_and_the_old_file_comes_back() {
    let stage = Stage::new();
    let owner = FileOwner { user: "0".into(), group: "12".into() };
    let wanted = WantedFile { owner: Some(owner), mode: 0o640, ..file(&stage, "x", plain("a\n")) };
    write(&stage, &wanted).await;
    assert_eq!(std::fs::metadata(&wanted.path).unwrap().gid(), 12);
    std::fs::write(&wanted.path, "edited\n").unwrap();
    std::fs::set_permissions(&wanted.path, PermissionsExt::from_mode(0o644)).unwrap();
    std::os::unix::fs::chown(&wanted.path, Some(1000), Some(1000)).unwrap();
    let comparison = compare(&stage, &wanted).await;
    let drifted = (comparison.content, comparison.mode, comparison.owner);
    assert_eq!(drifted, (Sameness::Different, Sameness::Different, Sameness::Different));
    let whoever = WantedFile { ignore_owner: true, ..wanted.clone() };
    assert_eq!(compare(&stage, &whoever).await.owner, Sameness::Same);
    let before = wanted.before(&stage.acting()).await.unwrap();
    write(&stage, &wanted).await;
    wanted.revert(&before, &stage.acting()).await.unwrap();
    let facts = std::fs::metadata(&wanted.path).unwrap();
    assert_eq!((read(&wanted.path).as_str(), facts.mode() & 0o777, facts.uid()), ("edited\n", 0o644, 1000));
}

#[tokio::test]
async fn a_file_that_somebody_else_wrote_is_foreign_and_not_removed() {
    let stage = Stage::new();
    let wanted = file(&stage, "x", plain("ours\n"));
    std::fs::write(&wanted.path, "theirs\n").unwrap();
    assert!(compare(&stage, &wanted).await.foreign);
    let refused = FileRemove { path: (&wanted.path).into() }.before(&stage.acting()).await.unwrap_err().to_string();
    assert!(refused.contains("has not written it"), "{refused}");
    assert_eq!(read(&wanted.path), "theirs\n");
}

/// Between the plan and its step, somebody puts a file of their own in the place.
#[tokio::test]
async fn what_appeared_since_the_plan_is_neither_written_nor_removed() {
    let stage = Stage::new();
    let wanted = file(&stage, "x", plain("ours\n"));
    let before = wanted.before(&stage.acting()).await.unwrap();
    std::fs::write(&wanted.path, "theirs\n").unwrap();
    let refused = wanted.carry_out(&stage.acting()).await.unwrap_err().to_string();
    assert!(refused.contains("not this stack's"), "{refused}");
    let refused = wanted.revert(&before, &stage.acting()).await.unwrap_err().to_string();
    assert!(refused.contains("left as it is"), "{refused}");
    let remove = FileRemove { path: (&wanted.path).into() };
    let refused = remove.carry_out(&stage.acting()).await.unwrap_err().to_string();
    assert!(refused.contains("has not written it"), "{refused}");
    assert_eq!(read(&wanted.path), "theirs\n");
}

#[tokio::test]
async fn what_was_changed_since_a_step_is_left_alone_by_its_revert() {
    let stage = Stage::new();
    let wanted = file(&stage, "x", plain("ours\n"));
    write(&stage, &file(&stage, "x", plain("old\n"))).await;
    let before = wanted.before(&stage.acting()).await.unwrap();
    write(&stage, &wanted).await;
    let remove = FileRemove { path: (&wanted.path).into() };
    let removed = remove.before(&stage.acting()).await.unwrap();
    std::fs::write(&wanted.path, "edited since\n").unwrap();
    let reverted = [
        wanted.revert(&before, &stage.acting()).await.unwrap_err(),
        remove.revert(&removed, &stage.acting()).await.unwrap_err(),
    ];
    assert!(reverted.iter().all(|refused| refused.to_string().contains("left as it is")), "{reverted:?}");
    assert_eq!(read(&wanted.path), "edited since\n");
    std::fs::write(&wanted.path, "ours\n").unwrap();
    wanted.revert(&before, &stage.acting()).await.unwrap();
    assert_eq!(read(&wanted.path), "old\n");
}

#[tokio::test]
async fn an_adoption_replaces_what_was_reviewed_and_gives_it_back() {
    let stage = Stage::new();
    let wanted = file(&stage, "x", plain("ours\n"));
    std::fs::write(&wanted.path, "theirs\n").unwrap();
    let adopts = stage.world.file_by_others(&stage.gate.file_write(wanted.clone()).unwrap()).unwrap();
    let wanted = WantedFile { adopts: Some(adopts.unwrap()), ..wanted };
    let headline = wanted.preview(&stage.acting()).await.headline;
    assert!(headline.contains("which this stack has not written"), "{headline}");
    std::fs::write(&wanted.path, "theirs, and newer\n").unwrap();
    assert!(wanted.carry_out(&stage.acting()).await.is_err());
    assert_eq!(read(&wanted.path), "theirs, and newer\n");
    std::fs::write(&wanted.path, "theirs\n").unwrap();
    let before = wanted.before(&stage.acting()).await.unwrap();
    write(&stage, &wanted).await;
    assert_eq!(read(&wanted.path), "ours\n");
    wanted.revert(&before, &stage.acting()).await.unwrap();
    assert_eq!(read(&wanted.path), "theirs\n");
}

/// A run that was killed in the middle of writing has left something; the next one that writes there takes it away.
#[tokio::test]
async fn what_a_killed_run_left_beside_a_file_is_swept() {
    let stage = Stage::new();
    for name in [".x.stackrun-unfinished", ".another.stackrun-unfinished"] {
        std::fs::write(stage.path("files").join(name), "half of a secr").unwrap();
    }
    write(&stage, &file(&stage, "x", plain("ours\n"))).await;
    let left: Vec<_> =
        std::fs::read_dir(stage.path("files")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["x"]);
}

/// A link that stays below what is granted is another application's as well.
#[tokio::test]
async fn directories_are_made_and_removed_through_no_link() {
    let stage = Stage::new();
    std::fs::create_dir_all(stage.path("files/theirs/inner")).unwrap();
    symlink("theirs", stage.path("files/mine")).unwrap();
    let at = |name: &str| stage.path("files").join(name).display().to_string();
    let make = DirectoryMake { path: at("mine/new"), mode: 0o755, owner: None, group: None };
    let denied = |failure: StepFailure| matches!(failure, StepFailure::Denied(_));
    assert!(denied(make.before(&stage.acting()).await.unwrap_err()));
    assert!(denied(make.carry_out(&stage.acting()).await.unwrap_err()));
    make.revert(&vec!["mine/inner".to_owned()], &stage.acting()).await.unwrap();
    let remove = DirectoryRemoveIfEmpty { path: at("mine/inner") };
    assert!(denied(remove.carry_out(&stage.acting()).await.unwrap_err()));
    let remove = super::DirectoryRemove { path: at("mine/inner") };
    assert!(denied(remove.carry_out(&stage.acting()).await.unwrap_err()));
    assert!(stage.path("files/theirs/inner").exists() && !stage.path("files/theirs/new").exists());
}

#[tokio::test]
async fn an_unchanged_file_with_a_secret_is_told_without_decrypting() {
    let mut stage = Stage::new();
    let wanted = file(&stage, "x.toml", with_secret());
    assert_eq!(content(&stage, &wanted).await, Sameness::Absent);
    std::fs::write(&wanted.path, "").unwrap();
    assert_eq!(content(&stage, &wanted).await, Sameness::NotYetKnown);
    std::fs::remove_file(&wanted.path).unwrap();
    set_token(&stage, "s3cr\"et\\value");
    write(&stage, &wanted).await;
    let table: toml::Table = read(&wanted.path).parse().unwrap();
    assert_eq!(table["token"].as_str(), Some("s3cr\"et\\value"));
    stage.next_run();
    stage.lose_identity();
    assert_eq!(content(&stage, &wanted).await, Sameness::Same);
    std::fs::write(&wanted.path, "token = 1\n").unwrap();
    assert_eq!(content(&stage, &wanted).await, Sameness::Different);
}

#[tokio::test]
async fn a_rotated_secret_makes_the_file_differ() {
    let stage = Stage::new();
    let wanted = file(&stage, "x.toml", with_secret());
    set_token(&stage, "the-first-value");
    write(&stage, &wanted).await;
    set_token(&stage, "the-second-value");
    assert_eq!(content(&stage, &wanted).await, Sameness::Different);
    let text = shown(&wanted.preview(&stage.acting()).await);
    assert!(!text.contains("the-first") && !text.contains("the-second"), "{text}");
    assert!(text.contains("(secret secret.app.token)"), "{text}");
}

#[tokio::test]
async fn the_preview_of_a_foreign_file_shows_no_value_where_a_secret_goes() {
    let stage = Stage::new();
    set_token(&stage, "our-own-value");
    let wanted = file(&stage, "x.toml", with_secret());
    std::fs::write(&wanted.path, "host = \"old\"\ntoken = \"their-own-value\"\n").unwrap();
    let preview = wanted.preview(&stage.acting()).await;
    let text = shown(&preview);
    assert!(text.contains("-host = \"old\"") && text.contains("+host = \"db\""), "{text}");
    assert!(!text.contains("their-own") && !text.contains("our-own"), "{text}");
    assert!(preview.headline.starts_with("write ") && preview.headline.contains("(0600)"), "{}", preview.headline);
}

#[tokio::test]
async fn what_a_secret_was_written_into_is_not_read_back() {
    let stage = Stage::new();
    set_token(&stage, "the-value-of-it");
    let wanted = file(&stage, "x.toml", with_secret());
    let before = wanted.before(&stage.acting()).await.unwrap();
    write(&stage, &wanted).await;
    let ask = || stage.gate.file_read(FileRead(wanted.path.clone())).unwrap();
    assert!(stage.world.file_read(&ask()).await.unwrap_err().to_string().contains("not read back"));
    let removed = shown(&FileRemove { path: (&wanted.path).into() }.preview(&stage.acting()).await);
    assert!(!removed.contains("the-value"), "{removed}");
    wanted.revert(&before, &stage.acting()).await.unwrap();
    stage.world.memo.clear();
    assert_eq!(stage.world.file_read(&ask()).await.unwrap(), None);
}

#[tokio::test]
async fn a_block_leaves_the_rest_of_the_file_and_its_mode_alone() {
    let stage = Stage::new();
    let wanted = block(&stage, "hba", "host a\n");
    std::fs::write(&wanted.path, "# head\nlocal all\n").unwrap();
    std::fs::set_permissions(&wanted.path, PermissionsExt::from_mode(0o640)).unwrap();
    assert_eq!(content(&stage, &wanted).await, Sameness::Absent);
    let before = wanted.before(&stage.acting()).await.unwrap();
    write(&stage, &wanted).await;
    let comparison = compare(&stage, &wanted).await;
    assert_eq!((comparison.content, comparison.foreign), (Sameness::Same, false));
    assert_eq!(std::fs::metadata(&wanted.path).unwrap().mode() & 0o7777, 0o640);
    // Somebody adds a line meanwhile: it stays.
    std::fs::write(&wanted.path, format!("{}local more\n", read(&wanted.path))).unwrap();
    wanted.revert(&before, &stage.acting()).await.unwrap();
    assert_eq!(read(&wanted.path), "# head\nlocal all\nlocal more\n");
}

#[tokio::test]
async fn a_removed_block_comes_back_and_damaged_markers_are_refused() {
    let stage = Stage::new();
    let wanted = block(&stage, "hba", "host a");
    std::fs::write(&wanted.path, "local all").unwrap();
    write(&stage, &wanted).await;
    let with = read(&wanted.path);
    let step = FileRemoveBlock { path: (&wanted.path).into(), comment: "#".into() };
    let before = step.before(&stage.acting()).await.unwrap();
    step.carry_out(&stage.acting()).await.unwrap();
    assert_eq!(read(&wanted.path), "local all");
    assert!(step.is_done(&stage.acting()).await.unwrap());
    step.revert(&before, &stage.acting()).await.unwrap();
    assert_eq!(read(&wanted.path), with);
    std::fs::write(&wanted.path, "# <<< stackrun media secret.app\n").unwrap();
    assert!(wanted.before(&stage.acting()).await.unwrap_err().to_string().contains("line 1"));
    assert!(wanted.carry_out(&stage.acting()).await.is_err());
    assert_eq!(read(&wanted.path), "# <<< stackrun media secret.app\n");
}

#[tokio::test]
async fn removing_and_reverting_gives_the_file_back_with_mode_and_owner() {
    let stage = Stage::new();
    let wanted = WantedFile { mode: 0o640, ..file(&stage, "x", plain("a\n")) };
    write(&stage, &wanted).await;
    std::os::unix::fs::chown(&wanted.path, Some(1000), Some(12)).unwrap();
    let step = FileRemove { path: (&wanted.path).into() };
    let before = step.before(&stage.acting()).await.unwrap();
    step.carry_out(&stage.acting()).await.unwrap();
    step.carry_out(&stage.acting()).await.unwrap();
    assert!(step.is_done(&stage.acting()).await.unwrap());
    let json = serde_json::to_value(&before).unwrap();
    step.revert(&serde_json::from_value(json).unwrap(), &stage.acting()).await.unwrap();
    let facts = std::fs::metadata(&wanted.path).unwrap();
    assert_eq!((facts.mode() & 0o777, facts.uid(), facts.gid()), (0o640, 1000, 12));
    assert_eq!(content(&stage, &wanted).await, Sameness::Same);
}

#[tokio::test]
async fn links_that_lead_out_of_the_grant_are_denied_on_both_sides() {
    let stage = Stage::new();
    let outside = stage.path("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("x"), "outside").unwrap();
    symlink(&outside, stage.path("files/link")).unwrap();
    symlink(outside.join("x"), stage.path("files/x")).unwrap();
    let below = file(&stage, "link/x", plain("ours"));
    let denied = |failure: Failure| matches!(failure, Failure::Denied(Denial { capability, .. }) if capability.starts_with("files."));
    let permit = stage.gate.file_write(below.clone()).unwrap();
    assert!(denied(stage.world.file_compare(&permit).await.unwrap_err()));
    let permit = stage.gate.file_read(FileRead(below.path.clone())).unwrap();
    assert!(denied(stage.world.file_read(&permit).await.unwrap_err()));
    let permit = stage.gate.file_look(FileLook(below.path.clone())).unwrap();
    assert!(denied(stage.world.file_stat(&permit).await.unwrap_err()));
    assert!(matches!(below.carry_out(&stage.acting()).await, Err(StepFailure::Denied(_))));
    let directory = DirectoryMake { path: below.path.clone() + "/y", mode: 0o755, owner: None, group: None };
    assert!(matches!(directory.carry_out(&stage.acting()).await, Err(StepFailure::Denied(_))));
    // The file itself is a link: it is neither followed nor replaced.
    let link = file(&stage, "x", plain("ours"));
    assert!(link.carry_out(&stage.acting()).await.unwrap_err().to_string().contains("symbolic link"));
    assert_eq!(std::fs::read_to_string(outside.join("x")).unwrap(), "outside");
    assert!(std::fs::symlink_metadata(&link.path).unwrap().is_symlink());
}

#[tokio::test]
async fn a_step_outside_the_grant_is_denied() {
    let stage = Stage::new();
    let outside = stage.path("outside").display().to_string();
    for path in [outside.clone(), format!("{}/../outside", stage.path("files").display())] {
        let wanted = WantedFile { path: path.clone(), ..file(&stage, "x", plain("x")) };
        assert!(matches!(wanted.carry_out(&stage.acting()).await, Err(StepFailure::Denied(_))), "{path}");
        let removal = FileRemove { path: (&path).into() };
        assert!(matches!(removal.carry_out(&stage.acting()).await, Err(StepFailure::Denied(_))), "{path}");
        let removal = DirectoryRemoveIfEmpty { path: (&path).into() };
        assert!(matches!(removal.carry_out(&stage.acting()).await, Err(StepFailure::Denied(_))), "{path}");
    }
    assert!(!std::path::Path::new(&outside).exists());
}

#[tokio::test]
async fn directories_are_made_with_mode_and_owner_and_taken_back() {
    let stage = Stage::new();
    std::fs::create_dir(stage.path("files/there")).unwrap();
    std::fs::set_permissions(stage.path("files/there"), PermissionsExt::from_mode(0o711)).unwrap();
    let path = stage.path("files/there/a/b").display().to_string();
    let make = DirectoryMake { path, mode: 0o750, owner: Some("1000".into()), group: Some("12".into()) };
    let before = make.before(&stage.acting()).await.unwrap();
    assert_eq!(before, ["there/a", "there/a/b"]);
    make.carry_out(&stage.acting()).await.unwrap();
    for name in ["files/there/a", "files/there/a/b"] {
        let facts = std::fs::metadata(stage.path(name)).unwrap();
        assert_eq!((facts.mode() & 0o7777, facts.uid(), facts.gid()), (0o750, 1000, 12), "{name}");
    }
    assert_eq!(std::fs::metadata(stage.path("files/there")).unwrap().mode() & 0o7777, 0o711);
    assert!(make.is_done(&stage.acting()).await.unwrap());
    std::fs::write(stage.path("files/there/a/kept"), "").unwrap();
    make.revert(&before, &stage.acting()).await.unwrap();
    assert!(!stage.path("files/there/a/b").exists() && stage.path("files/there/a/kept").exists());
}

#[tokio::test]
async fn a_directory_is_removed_only_when_empty() {
    let stage = Stage::new();
    std::fs::create_dir(stage.path("files/a")).unwrap();
    std::fs::write(stage.path("files/a/x"), "").unwrap();
    let path = stage.path("files/a").display().to_string();
    let step = DirectoryRemoveIfEmpty { path: (&path).into() };
    step.carry_out(&stage.acting()).await.unwrap();
    assert!(stage.path("files/a/x").exists());
    std::fs::remove_file(stage.path("files/a/x")).unwrap();
    let before = step.before(&stage.acting()).await.unwrap();
    step.carry_out(&stage.acting()).await.unwrap();
    assert!(!stage.path("files/a").exists());
    step.revert(&before, &stage.acting()).await.unwrap();
    assert!(stage.path("files/a").is_dir());
}

#[tokio::test]
async fn a_missing_folder_is_said_and_not_made() {
    let stage = Stage::new();
    std::fs::remove_dir(stage.path("files")).unwrap();
    let wanted = file(&stage, "x", plain("x"));
    assert!(wanted.carry_out(&stage.acting()).await.unwrap_err().to_string().contains("there is no directory"));
    let make = DirectoryMake { path: wanted.path, mode: 0o755, owner: None, group: None };
    assert!(make.carry_out(&stage.acting()).await.unwrap_err().to_string().contains("or mount it"));
}

#[tokio::test]
async fn questions_tell_kind_mode_entries_and_mentions() {
    let stage = Stage::new();
    let site = stage.path("files/site");
    std::fs::write(&site, "media.example.org {\n}\n").unwrap();
    symlink("site", stage.path("files/link")).unwrap();
    let look = |name: &str| stage.gate.file_look(FileLook(stage.path(name).display().to_string())).unwrap();
    let file = stage.world.file_stat(&look("files/site")).await.unwrap().unwrap();
    assert_eq!((file.kind, file.writable), (FileKind::Regular, Writable::Yes));
    assert_eq!(stage.world.file_stat(&look("files")).await.unwrap().unwrap().kind, FileKind::Directory);
    assert_eq!(stage.world.file_stat(&look("files/link")).await.unwrap().unwrap().kind, FileKind::Symlink);
    assert_eq!(stage.world.file_stat(&look("files/none")).await.unwrap(), None);
    assert_eq!(stage.world.file_entries(&look("files")).await.unwrap().unwrap(), ["link", "site"]);
    assert_eq!(stage.world.file_entries(&look("files/none")).await.unwrap(), None);
    let mention = |what: &str| {
        let mention = FileMention { path: site.display().to_string(), what: what.to_owned() };
        let words = std::collections::HashSet::from([what.to_owned()]);
        stage.gate.file_mention(mention, &words).unwrap()
    };
    assert!(stage.world.file_mentions(&mention("media.example.org")).await.unwrap());
    assert!(!stage.world.file_mentions(&mention("books.example.org")).await.unwrap());
    assert!(stage.world.file_mentions(&mention("media")).await.is_err(), "too short: it would tell the content");
    for part in ["media.example", "edia.example.org", "example.org"] {
        assert!(!stage.world.file_mentions(&mention(part)).await.unwrap(), "{part} is a part of another word");
    }
    let others = FileMention { path: site.display().to_string(), what: "media.example.org".to_owned() };
    let denied = stage.gate.file_mention(others, &["of.the.section".to_owned()].into()).unwrap_err();
    assert!(denied.asked.contains("neither a word of the instance's section"), "{denied}");
}

#[tokio::test]
async fn text_with_a_hole_keeps_every_character() {
    let stage = Stage::new();
    set_token(&stage, "q'\"\\ $%{{x}} é\n2nd line");
    let content = Content::Text(Text::new([Part::Literal("<".into()), Part::Reference(made("token"))]));
    let wanted = file(&stage, "x", content);
    write(&stage, &wanted).await;
    assert_eq!(read(&wanted.path), "<q'\"\\ $%{{x}} é\n2nd line");
}

/// Asked again and again, a comparison tells whether a guess of the whole was right, and never how near it came.
#[tokio::test]
async fn a_comparison_tells_of_no_part() {
    let stage = Stage::new();
    set_token(&stage, "s3cret-value");
    let with = |parts: Vec<Part>| file(&stage, "x", Content::Text(Text::new(parts)));
    write(
        &stage,
        &with(vec![Part::Literal("token=".into()), Part::Reference(made("token")), Part::Literal("\n".into())]),
    )
    .await;
    let guess = |text: &str| with(vec![Part::Literal(text.into())]);
    for near in ["", "token=", "token=s3cret-valu", "token=s3cret-value", "token=s3cret-valuf\n", "s3cret-value\n"] {
        assert_eq!(content(&stage, &guess(near)).await, Sameness::Different, "{near}");
    }
    assert_eq!(content(&stage, &guess("token=s3cret-value\n")).await, Sameness::Same);
    // What a secret was written into is not asked what it mentions, whatever word that is.
    let mention = FileMention { path: guess("").path, what: "s3cret-value".to_owned() };
    let permit = stage.gate.file_mention(mention, &["s3cret-value".to_owned()].into()).unwrap();
    assert!(
        stage.world.file_mentions(&permit).await.unwrap_err().to_string().contains("not be asked what it mentions")
    );
}
