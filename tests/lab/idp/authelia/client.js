// One client of the list: Authelia's checks and defaults, in its words.

import { parseDigest } from './digest.js';
import { CLIENT } from './keys.js';

const AUTH_METHODS = [
  'none', 'client_secret_post', 'client_secret_basic', 'private_key_jwt', 'client_secret_jwt',
];
const VERIFIABLE = new Set(['none', 'client_secret_post', 'client_secret_basic']);
const LISTS = ['audience', 'grant_types', 'redirect_uris', 'request_uris', 'response_modes', 'response_types', 'scopes'];
const CHOICES = {
  consent_mode: ['auto', 'implicit', 'explicit', 'pre-configured'],
  pkce_challenge_method: ['plain', 'S256'],
  requested_audience_mode: ['explicit', 'implicit'],
  token_endpoint_auth_method: AUTH_METHODS,
};
const ENTRIES = {
  grant_types: [
    'authorization_code', 'implicit', 'client_credentials', 'refresh_token',
    'urn:ietf:params:oauth:grant-type:device_code',
  ],
  response_modes: ['form_post', 'form_post.jwt', 'query', 'query.jwt', 'fragment', 'fragment.jwt', 'jwt'],
};

/**
 * Checks one client and gives it with its defaults. Mistakes go to `problems`.
 *
 * `policies`: the names that `authorization_policy` may have.
 */
export function checkClient(raw, policies, problems) {
  const option = `identity_providers: oidc: clients: client '${raw.client_id ?? ''}': option`;
  const say = (text) => problems.push(`${option} ${text}`);
  for (const key of Object.keys(raw)) {
    if (!CLIENT.has(key)) problems.push(`configuration key not expected: identity_providers.oidc.clients[].${key}`);
  }
  checkId(raw.client_id, say);
  checkTypes(raw, say);

  const client = {
    ...raw,
    client_name: raw.client_name ?? raw.client_id,
    public: raw.public ?? false,
    authorization_policy: raw.authorization_policy ?? 'two_factor',
    consent_mode: raw.consent_mode ?? 'auto',
    scopes: filled(raw.scopes) ?? ['openid', 'groups', 'profile', 'email'],
    response_types: filled(raw.response_types) ?? ['code'],
    grant_types: filled(raw.grant_types) ?? ['authorization_code'],
    redirect_uris: filled(raw.redirect_uris) ?? [],
    token_endpoint_auth_method: raw.token_endpoint_auth_method ?? (raw.public ? 'none' : 'client_secret_basic'),
  };
  for (const [key, allowed] of Object.entries(CHOICES)) {
    if (client[key] !== undefined && client[key] !== '' && !allowed.includes(client[key])) {
      say(`'${key}' must be one of ${either(allowed)} but it's configured as '${client[key]}'`);
    }
  }
  if (!policies.includes(client.authorization_policy)) {
    say(`'authorization_policy' must be one of ${either(policies)} but it's configured as '${client.authorization_policy}'`);
  }
  checkEntries(client, say);
  checkRedirects(client, say);
  checkSecret(client, say);
  return client;
}

const filled = (list) => (Array.isArray(list) && list.length ? list : undefined);

/** `'a', 'b', or 'c'`, as Authelia joins a list. */
export function either(values, word = 'or') {
  const quoted = values.map((value) => `'${value}'`);
  if (quoted.length < 2) return quoted.join('');
  const comma = quoted.length > 2 ? ',' : '';
  return `${quoted.slice(0, -1).join(', ')}${comma} ${word} ${quoted.at(-1)}`;
}

function checkId(id, say) {
  if (typeof id !== 'string' || id === '') return; // the list reports these by position
  if (id.length > 100) say(`'id' must not be more than 100 characters but it has ${id.length} characters`);
  else if (!/^[A-Za-z0-9._~-]+$/.test(id)) say("'id' must only contain RFC3986 unreserved characters");
}

function checkTypes(raw, say) {
  for (const key of ['public', 'require_pkce', 'require_pushed_authorization_requests']) {
    if (raw[key] !== undefined && typeof raw[key] !== 'boolean') say(`'${key}' must be a boolean`);
  }
  for (const key of LISTS) {
    const value = raw[key];
    if (value !== undefined && !(Array.isArray(value) && value.every((item) => typeof item === 'string'))) {
      say(`'${key}' must be a list of strings`);
    }
  }
}

function checkEntries(client, say) {
  for (const [key, allowed] of Object.entries(ENTRIES)) {
    const wrong = (client[key] ?? []).filter((value) => !allowed.includes(value));
    if (wrong.length) {
      say(`'${key}' must only have the values ${either(allowed)} but the values ${either(wrong, 'and')} are present`);
    }
  }
}

function checkRedirects(client, say) {
  for (const uri of client.redirect_uris) {
    if (!/^[a-zA-Z][a-zA-Z0-9+.-]*:/.test(uri)) {
      say(`'redirect_uris' has an invalid value: redirect uri '${uri}' must have a scheme but it's absent`);
    } else if (!URL.canParse(uri)) {
      say(`'redirect_uris' has an invalid value: redirect uri '${uri}' could not be parsed`);
    }
  }
}

function checkSecret(client, say) {
  const method = client.token_endpoint_auth_method;
  const secret = client.client_secret;
  if (client.public) {
    if (method !== 'none') {
      say(`'token_endpoint_auth_method' must be 'none' when configured as the public client type but it's configured as '${method}'`);
    }
    if (secret !== undefined) say("'client_secret' is required to be empty when option 'public' is true");
    return;
  }
  if (method === 'none') {
    say(`'token_endpoint_auth_method' must be one of ${either(AUTH_METHODS.slice(1))} when configured as the confidential client type but it's configured as 'none'`);
  } else if (AUTH_METHODS.includes(method) && !VERIFIABLE.has(method)) {
    say(`'token_endpoint_auth_method' is '${method}', which the lab's provider can't verify`);
  } else if (typeof secret !== 'string' || secret === '') {
    say("'client_secret' is required");
  } else if (!parseDigest(secret)) {
    // Authelia stops at the decoding, before it knows the client. The value is a secret: never shown.
    say("'client_secret' could not be decoded to a schema.PasswordDigest: provided encoded hash has an invalid format");
  }
}
