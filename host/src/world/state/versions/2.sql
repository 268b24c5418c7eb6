-- A state of version 2, with a run that was killed while it wrote a file. Never changed again.
BEGIN TRANSACTION;
CREATE TABLE captured (
    address text not null, name text not null, value text not null, primary key (address, name)
) strict;
INSERT INTO "captured" VALUES('secret.app','client_id','app');
CREATE TABLE edge (before text not null, after text not null, primary key (before, after)) strict;
INSERT INTO "edge" VALUES('secret.app','container.app');
CREATE TABLE fact (name text primary key, value text not null) strict;
INSERT INTO "fact" VALUES('fact','value');
CREATE TABLE instance (
    address text primary key, plugin text not null, position integer not null
) strict;
INSERT INTO "instance" VALUES('secret.app','secret',0);
CREATE TABLE journal (
    run integer not null, seq integer not null, entry text not null, before blob, phase text not null,
    primary key (run, seq)
) strict;
INSERT INTO "journal" VALUES(2,1,'{"address":"secret.app","thing":{"key":"file./srv/lab/data/app/env","connection":"files","kind":"file","name":"/srv/lab/data/app/env"},"index":0,"step":{"file_write":{"path":"/srv/lab/data/app/env","region":"whole","content":{"document":{"format":"env","body":{"table":[["PW",{"reference":{"made":["secret.app","password"]}}]]}}},"mode":384,"owner":null,"ignore_owner":false}},"change":"update"}',NULL,'intended');
CREATE TABLE making (address text primary key, makings text not null) strict;
INSERT INTO "making" VALUES('secret.app','[{"stored":{"name":"password"}}]');
CREATE TABLE place (place text primary key, want text not null, written text not null) strict;
INSERT INTO "place" VALUES('secret in /srv/lab/data/app/env','','');
INSERT INTO "place" VALUES('file /srv/lab/data/app/env','281a39539b065c68fcf48ec5cff6fd1f3021278552b227c1eb7e0071391c8dbe','0b6ac9f7c0ab5693c5612a51db90d84e076da748c06e95404efd36b465bd666e');
CREATE TABLE plugin (name text primary key, identity text not null) strict;
INSERT INTO "plugin" VALUES('secret','{"version":"0.1.0","digest":"723fbd8b7b670292a9bfc5f191f983cc65e7132cbf885dbac300e66faf9504de","capabilities":["files"]}');
CREATE TABLE run (id integer primary key, plan text not null, status text not null) strict;
INSERT INTO "run" VALUES(2,'{"format":1,"stack":"media","binding":{"spec_path":"/srv/lab/app.toml","spec":"8b9d81a9688e4f66b2d53b267c6a383562f254bc044b9e9c813e7c3eef0bef80","set":[],"host_file_path":"/srv/lab/stackrun.toml","host_file":"e9c022379ea631f52e43c79f3f104c6ea565a8aa67485f0b5f1278868f75df42","plugins":{"secret":"723fbd8b7b670292a9bfc5f191f983cc65e7132cbf885dbac300e66faf9504de"},"secrets":{"secret.app.password":"233c1463dce3c0e4840cc8af0c39037a68a8c05c7cbdfae30768f059a3a417ba"},"observations":{"compare /srv/lab/data/app/env for secret.app 9205b7a593251a2d":"dfac144806785139","stat /srv/lab/data/app, to write: true":"7c53f84f68ffa12e","stat /srv/lab/data/app/env, to write: true":"6272f02da95e2dd1"}},"instances":[{"address":"secret.app","plugin":"secret","grants":{"sql":{"connections":[],"relations":[],"roles":[],"databases":[],"templates":[],"extensions":[],"admission":false},"files":{"look":[],"read":[],"mention":[],"write":["/srv/lab/data/"]},"containers":{"connections":[],"names":[],"mounts":[],"networks":[],"publish":[],"capabilities":[]},"http":{"connections":[],"own_containers":false,"sites":[]},"services":{"verbs":{}}},"makings":[{"stored":{"name":"password"}}],"uses":[],"planned":{"owns":[{"thing":{"key":"secret.password","connection":"store","kind":"secret","name":"media/secret.app/password"},"holds_data":true,"adopted":false,"undo":[{"step":{"secret_discard":{"of":{"made":["secret.app","password"]}}},"revert":{"none":"what is deleted by name stays deleted"}}],"undo_settle":[]},{"thing":{"key":"directory./srv/lab/data/app","connection":"files","kind":"directory","name":"/srv/lab/data/app"},"holds_data":false,"adopted":false,"undo":[{"step":{"directory_remove_if_empty":{"path":"/srv/lab/data/app"}},"revert":"by_host"}],"undo_settle":[]},{"thing":{"key":"file./srv/lab/data/app/env","connection":"files","kind":"file","name":"/srv/lab/data/app/env"},"holds_data":false,"adopted":false,"undo":[{"step":{"file_remove":{"path":"/srv/lab/data/app/env"}},"revert":"by_host"}],"undo_settle":[]}],"actions":[{"thing":"file./srv/lab/data/app/env","change":"update","reason":"its content is another one","differences":[],"moves":[{"step":{"file_write":{"path":"/srv/lab/data/app/env","region":"whole","content":{"document":{"format":"env","body":{"table":[["PW",{"reference":{"made":["secret.app","password"]}}]]}}},"mode":384,"owner":null,"ignore_owner":false}},"revert":"by_host"}],"no_return":null,"settle":[],"proof":[],"after":[]}],"checks":[],"diagnostics":[]},"previews":[{"moves":[{"headline":"write /srv/lab/data/app/env (0600)","lines":[{"sign":"removed","text":"(a line that is not shown: it may hold a secret)"},{"sign":"added","text":"PW=''(secret secret.app.password)''"}]}],"settle":[]}],"by_hand":[],"theirs":[]}],"removals":[],"kept":[],"edges":[],"secrets":[{"name":"secret.app.password","fingerprint":"233c1463dce3c0e4840cc8af0c39037a68a8c05c7cbdfae30768f059a3a417ba","places":["file /srv/lab/data/app/env"]}],"probes":[]}','running');
CREATE TABLE salted (
    target text not null, form text not null, fingerprint text not null, value text not null, primary key (target, form)
) strict;
INSERT INTO "salted" VALUES('secret.app.password','traits-2','65d01a5f3a09ae69e7ae6244e42a433594f46090bbe26c9d1b3fd878313bebe0','{"fits":[],"traces":[]}');
CREATE TABLE secret (
    address text not null, name text not null, fingerprint text not null, file_digest text not null,
    primary key (address, name)
) strict;
INSERT INTO "secret" VALUES('secret.app','password','233c1463dce3c0e4840cc8af0c39037a68a8c05c7cbdfae30768f059a3a417ba','65d01a5f3a09ae69e7ae6244e42a433594f46090bbe26c9d1b3fd878313bebe0');
CREATE TABLE thing (
    address text not null, key text not null, connection text not null, kind text not null, name text not null,
    holds_data integer not null, adopted integer not null, proven integer not null, position integer not null,
    undo text not null, undo_settle text not null, grants text not null, shared integer not null,
    primary key (address, key)
) strict;
INSERT INTO "thing" VALUES('secret.app','secret.password','store','secret','media/secret.app/password',1,0,1,0,'[{"step":{"secret_discard":{"of":{"made":["secret.app","password"]}}},"revert":{"none":"what is deleted by name stays deleted"}}]','[]','{"sql":{"connections":[],"relations":[],"roles":[],"databases":[],"templates":[],"extensions":[],"admission":false},"files":{"look":[],"read":[],"mention":[],"write":["/srv/lab/data/"]},"containers":{"connections":[],"names":[],"mounts":[],"networks":[],"publish":[],"capabilities":[]},"http":{"connections":[],"own_containers":false,"sites":[]},"services":{"verbs":{}}}',0);
INSERT INTO "thing" VALUES('secret.app','directory./srv/lab/data/app','files','directory','/srv/lab/data/app',0,0,1,1,'[{"step":{"directory_remove_if_empty":{"path":"/srv/lab/data/app"}},"revert":"by_host"}]','[]','{"sql":{"connections":[],"relations":[],"roles":[],"databases":[],"templates":[],"extensions":[],"admission":false},"files":{"look":[],"read":[],"mention":[],"write":["/srv/lab/data/"]},"containers":{"connections":[],"names":[],"mounts":[],"networks":[],"publish":[],"capabilities":[]},"http":{"connections":[],"own_containers":false,"sites":[]},"services":{"verbs":{}}}',1);
INSERT INTO "thing" VALUES('secret.app','file./srv/lab/data/app/env','files','file','/srv/lab/data/app/env',0,0,1,2,'[{"step":{"file_remove":{"path":"/srv/lab/data/app/env"}},"revert":"by_host"}]','[]','{"sql":{"connections":[],"relations":[],"roles":[],"databases":[],"templates":[],"extensions":[],"admission":false},"files":{"look":[],"read":[],"mention":[],"write":["/srv/lab/data/"]},"containers":{"connections":[],"names":[],"mounts":[],"networks":[],"publish":[],"capabilities":[]},"http":{"connections":[],"own_containers":false,"sites":[]},"services":{"verbs":{}}}',0);
CREATE UNIQUE INDEX thing_in_the_world on thing (connection, kind, name) where not shared;
COMMIT;
pragma user_version = 2;
