// oidc-provider set up to behave as Authelia does towards applications.

import { Provider, errors } from 'oidc-provider';
import { matchesDigest } from './authelia/digest.js';
import { interactions } from './interactions.js';
import { adapterFor } from './store.js';

const HOUR = 60 * 60;
const SECRET_METHODS = ['client_secret_basic', 'client_secret_post'];

/** Makes the provider; `provider.listen(port, host)` serves it. */
export function makeProvider({ settings, authelia, store, log }) {
  const byId = new Map(authelia.clients.map((client) => [client.client_id, client]));
  const registration = settings.initial_access_token !== undefined;
  const provider = new Provider(settings.issuer, {
    adapter: adapterFor(store),
    clients: authelia.clients.map(metadata),
    jwks: { keys: [store.signingKey] },
    cookies: { keys: [store.cookieKey] },
    // An application takes the first of these that it can do: Authelia's order.
    clientAuthMethods: [...SECRET_METHODS, 'none'],
    claims: {
      openid: ['sub'],
      email: ['email', 'email_verified'],
      profile: ['name', 'preferred_username'],
      groups: ['groups'],
    },
    conformIdTokenClaims: false,
    pkce: { required: (_ctx, client) => pkceRequired(byId.get(client.clientId), authelia.enforcePkce) },
    findAccount: (_ctx, name) => account(settings.users, name),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      registration: { enabled: registration, initialAccessToken: settings.initial_access_token },
      registrationManagement: { enabled: registration },
    },
    ttl: {
      AccessToken: HOUR, AuthorizationCode: 60, Grant: 24 * HOUR, IdToken: HOUR, Interaction: HOUR, Session: 24 * HOUR,
    },
  });
  provider.proxy = true; // behind a gateway: X-Forwarded-Proto and -Host count
  compareByDigest(provider, byId);
  provider.use(interactions(provider, settings.users, byId));
  logEvents(provider, log);
  return provider;
}

/** A client of Authelia's list in the words of OpenID Connect's registration. */
function metadata(client) {
  return {
    client_id: client.client_id,
    client_name: client.client_name,
    ...(client.public ? {} : { client_secret: client.client_secret }),
    redirect_uris: client.redirect_uris,
    response_types: client.response_types,
    grant_types: client.grant_types,
    scope: client.scopes.join(' '),
    token_endpoint_auth_method: client.token_endpoint_auth_method,
  };
}

function pkceRequired(client, enforce) {
  if (client === undefined) return false;
  return client.require_pkce === true || enforce === 'always'
    || (enforce === 'public_clients_only' && client.public);
}

function account(users, name) {
  const user = users.find((one) => one.name === name);
  if (user === undefined) return undefined;
  return {
    accountId: user.name,
    claims: async () => ({
      sub: user.name,
      email: user.email,
      email_verified: true,
      name: user.name,
      preferred_username: user.name,
      groups: [],
    }),
  };
}

/**
 * Secrets of the file are compared with their digests, and only by the method that the client is
 * registered for: oidc-provider itself lets basic and post stand for each other, Authelia does not.
 */
function compareByDigest(provider, byId) {
  const { prototype } = provider.Client;
  const comparePlain = prototype.compareClientSecret;
  prototype.compareClientSecret = async function compareClientSecret(secret) {
    const used = Provider.ctx.headers.authorization === undefined ? 'client_secret_post' : 'client_secret_basic';
    if (used !== this.tokenEndpointAuthMethod) {
      throw new errors.InvalidClientAuth(`the client is registered for ${this.tokenEndpointAuthMethod} and used ${used}`);
    }
    const client = byId.get(this.clientId);
    return client ? matchesDigest(secret, client.client_secret) : comparePlain.call(this, secret);
  };
}

function logEvents(provider, log) {
  for (const event of ['authorization.error', 'grant.error', 'userinfo.error', 'registration_create.error', 'server_error']) {
    provider.on(event, (ctx, error) => {
      const detail = error.error_detail ? ` (${error.error_detail})` : '';
      log(`${event} ${ctx.oidc?.params?.client_id ?? ''} ${error.message}: ${error.error_description ?? error.stack}${detail}`);
    });
  }
  for (const event of ['registration_create', 'registration_update', 'registration_delete']) {
    provider.on(`${event}.success`, (_ctx, client) => log(`${event} ${client.clientId}`));
  }
  provider.on('grant.success', (ctx) => log(`grant.success ${ctx.oidc.client.clientId}`));
}
