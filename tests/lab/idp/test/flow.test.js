import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser, Lab, REDIRECT, digest } from './lab.js';

let lab;
before(async () => {
  lab = await Lab.create();
  lab.write(lab.fragment, `
- client_id: mediamanager
  client_secret: '${digest('secret')}'
  redirect_uris: ['${REDIRECT}']
  scopes: [openid, email, profile]
- client_id: trusted
  client_secret: '${digest('secret')}'
  redirect_uris: ['${REDIRECT}']
  consent_mode: implicit
- client_id: careful
  client_secret: '${digest('secret')}'
  redirect_uris: ['${REDIRECT}']
  require_pkce: true
`);
  await lab.start();
});
after(() => lab.stop());

const authorize = (changes = {}) => `${lab.url}/auth?${new URLSearchParams({
  client_id: 'mediamanager', redirect_uri: REDIRECT, response_type: 'code', scope: 'openid email profile', state: 's', ...changes,
})}`;
const form = (fields) => ({ method: 'POST', body: new URLSearchParams(fields) });

async function signIn(changes) {
  const browser = new Browser();
  const login = await browser.follow(authorize(changes));
  const consent = await browser.follow(login.url, form({ username: 'alice', password: 'alice-password' }));
  assert.match(await consent.response.text(), /asks for: openid, email, profile/);
  const { url } = await browser.follow(consent.url, form({ answer: 'accept' }));
  return new URL(url).searchParams;
}

const basic = (id, secret) => ({ authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}` });
const exchange = (code, headers, fields = {}) => fetch(`${lab.url}/token`, {
  method: 'POST', headers, body: new URLSearchParams({ grant_type: 'authorization_code', code, redirect_uri: REDIRECT, ...fields }),
});

test('discovery names basic first', async () => {
  const found = await (await fetch(`${lab.url}/.well-known/openid-configuration`)).json();
  assert.equal(found.token_endpoint_auth_methods_supported[0], 'client_secret_basic');
});

test('endpoints follow the gateway, the issuer does not', async () => {
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'auth.example.com' };
  const found = await (await fetch(`${lab.url}/.well-known/openid-configuration`, { headers })).json();
  assert.equal(found.authorization_endpoint, 'https://auth.example.com/auth');
  assert.equal(found.issuer, lab.url);
});

test('a sign-in ends with userinfo in plain JSON with the email', async () => {
  const params = await signIn();
  assert.equal(params.get('state'), 's');
  const answer = await exchange(params.get('code'), basic('mediamanager', 'secret'));
  assert.equal(answer.status, 200);
  const { access_token: token, id_token: idToken } = await answer.json();
  assert.ok(JSON.parse(Buffer.from(idToken.split('.')[1], 'base64url')).email);
  const me = await fetch(`${lab.url}/me`, { headers: { authorization: `Bearer ${token}` } });
  assert.match(me.headers.get('content-type'), /application\/json/);
  assert.equal((await me.json()).email, 'alice@example.com');
});

test('a wrong secret, and the right one by another method, are refused', async () => {
  const code = (await signIn()).get('code');
  assert.equal((await exchange(code, basic('mediamanager', 'wrong'))).status, 401);
  assert.equal((await exchange(code, {}, { client_id: 'mediamanager', client_secret: 'secret' })).status, 401);
  assert.equal((await exchange('none', {}, { client_id: 'operators', client_secret: 'operators-secret' })).status, 400);
  assert.equal((await exchange('none', basic('operators', 'operators-secret'))).status, 401);
});

test('a wrong password stays on the page', async () => {
  const browser = new Browser();
  const login = await browser.follow(authorize());
  const again = await browser.follow(login.url, form({ username: 'alice', password: 'no' }));
  assert.equal(again.response.status, 401);
  assert.match(await again.response.text(), /Incorrect username or password/);
});

test('implicit consent asks nothing after the sign-in', async () => {
  const browser = new Browser();
  const login = await browser.follow(authorize({ client_id: 'trusted' }));
  const { url } = await browser.follow(login.url, form({ username: 'alice', password: 'alice-password' }));
  assert.ok(new URL(url).searchParams.has('code'), url);
});

test('PKCE is asked for only where the client requires it', async () => {
  const { url } = await new Browser().follow(authorize({ client_id: 'careful' }));
  assert.equal(new URL(url).searchParams.get('error'), 'invalid_request');
});

test('an unknown client and another redirect are errors', async () => {
  for (const changes of [{ client_id: 'nobody' }, { redirect_uri: 'https://evil.example.com/' }]) {
    assert.equal((await fetch(authorize(changes), { redirect: 'manual' })).status, 400);
  }
});

test('a registered client outlives a restart and can be changed and removed', async () => {
  const json = (method, token, body) => ({
    method, headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' }, body: body && JSON.stringify(body),
  });
  assert.equal((await fetch(`${lab.url}/reg`, json('POST', 'wrong', { redirect_uris: [REDIRECT] }))).status, 401);
  const made = await fetch(`${lab.url}/reg`, json('POST', 'initial', { client_id: 'mine', redirect_uris: [REDIRECT] }));
  assert.equal(made.status, 201);
  const client = await made.json();
  assert.notEqual(client.client_id, 'mine');
  await lab.restart();
  const { registration_client_uri: uri, registration_access_token: token } = client;
  assert.equal((await fetch(uri, json('GET', token))).status, 200);
  assert.equal((await exchange('none', basic(client.client_id, client.client_secret))).status, 400);
  const changed = await fetch(uri, json('PUT', token, { client_id: client.client_id, redirect_uris: [`${REDIRECT}2`] }));
  const after = await changed.json();
  assert.deepEqual(after.redirect_uris, [`${REDIRECT}2`]);
  assert.equal((await fetch(after.registration_client_uri, json('DELETE', after.registration_access_token))).status, 204);
  assert.equal((await fetch(uri, json('GET', after.registration_access_token))).status, 401);
});
