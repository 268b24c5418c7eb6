import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Lab, digest } from './lab.js';

const client = (changes = {}) => {
  const lines = {
    client_id: 'mediamanager', client_secret: `'${digest('secret')}'`, redirect_uris: "['https://a.example.com/cb']", ...changes,
  };
  return `- ${Object.entries(lines).filter(([, value]) => value !== undefined).map((pair) => pair.join(': ')).join('\n  ')}\n`;
};

const REFUSED = [
  ['an unknown key', client({ redirect_uri: 'x' }), 'configuration key not expected: identity_providers.oidc.clients[].redirect_uri'],
  ['no secret', client({ client_secret: undefined }), "option 'client_secret' is required"],
  ['a plain secret', client({ client_secret: 'plain' }), 'invalid format'],
  ["base64 of another alphabet", client({ client_secret: "'$pbkdf2-sha512$310000$c2FsdHNhbHQ+$c2FsdA'" }), 'invalid format'],
  ['an id of the operator', client({ client_id: 'operators' }), "share the following 'id' values 'operators'"],
  ['an id with a slash', client({ client_id: 'a/b' }), 'RFC3986 unreserved characters'],
  ['an id of 101 characters', client({ client_id: 'a'.repeat(101) }), 'not be more than 100 characters but it has 101 characters'],
  ['no id', client({ client_id: undefined }), "in positions #2"],
  ['a relative redirect', client({ redirect_uris: "['/cb']" }), "redirect uri '/cb' must have a scheme"],
  ['an unknown policy', client({ authorization_policy: 'three_factor' }), "must be one of 'one_factor' or 'two_factor'"],
  ['an unknown method', client({ token_endpoint_auth_method: 'basic' }), "'token_endpoint_auth_method' must be one of"],
  ['a public client with a secret', client({ public: true }), 'required to be empty'],
  ['broken YAML', '- client_id: [\n', 'yaml'],
];

test('a fragment may be empty, and may hold a client', async () => {
  const lab = await Lab.create();
  assert.equal((await lab.validate('')).code, 0);
  const { code, printed } = await lab.validate(client());
  assert.equal(code, 0, printed);
});

for (const [name, fragment, message] of REFUSED) {
  test(`refuses ${name}`, async () => {
    const lab = await Lab.create();
    const { code, printed } = await lab.validate(fragment);
    assert.equal(code, 1);
    assert.ok(printed.includes(message), printed);
  });
}

test('a missing fragment is refused, and a server does not start with it', async () => {
  const lab = await Lab.create();
  lab.write(`${lab.folder}/configuration.yml`, `identity_providers:
  oidc:
    clients:
      {{- fileContent "${lab.folder}/none.yml" | nindent 6 }}
`);
  for (const args of [['--validate', lab.config], [lab.config]]) {
    const { code, printed } = await lab.run(args);
    assert.equal(code, 1);
    assert.match(printed, /none\.yml: no such file or directory/);
  }
});
