// The two pages that a person meets between the application and its answer: sign-in, then consent.

import { timingSafeEqual, createHash } from 'node:crypto';
import { consentPage, loginPage } from './pages.js';

const PATH = /^\/interaction\/[A-Za-z0-9_-]+$/;
const LONGEST_FORM = 8192;

/** Koa middleware for /interaction/UID; everything else goes on to the provider. */
export function interactions(provider, users, autheliaClients) {
  return async (ctx, next) => {
    if (!PATH.test(ctx.path)) return next();
    const details = await provider.interactionDetails(ctx.req, ctx.res);
    ctx.set('Cache-Control', 'no-store');
    const client = autheliaClients.get(details.params.client_id);
    if (details.prompt.name === 'login') return login(ctx, provider, users);
    if (client?.consent_mode === 'implicit' || ctx.method === 'POST') return consent(ctx, provider, details);
    const { clientName, clientId } = await provider.Client.find(details.params.client_id);
    page(ctx, consentPage({ client: clientName ?? clientId, scopes: details.prompt.details.missingOIDCScope ?? [] }));
    return undefined;
  };
}

async function login(ctx, provider, users) {
  if (ctx.method !== 'POST') return page(ctx, loginPage({}));
  const form = await readForm(ctx.req);
  const user = users.find((one) => one.name === form.get('username'));
  if (user === undefined || !same(user.password, form.get('password') ?? '')) {
    ctx.status = 401;
    return page(ctx, loginPage({ username: form.get('username') ?? '', failed: true }));
  }
  return finish(ctx, provider, { login: { accountId: user.name } }, false);
}

async function consent(ctx, provider, details) {
  const { session, params, prompt, grantId } = details;
  if (ctx.method === 'POST' && (await readForm(ctx.req)).get('answer') === 'deny') {
    return finish(ctx, provider, { error: 'access_denied', error_description: 'consent was refused' }, false);
  }
  const grant = (grantId && await provider.Grant.find(grantId))
    || new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  grant.addOIDCScope((prompt.details.missingOIDCScope ?? []).join(' '));
  grant.addOIDCClaims(prompt.details.missingOIDCClaims ?? []);
  return finish(ctx, provider, { consent: { grantId: await grant.save() } }, true);
}

async function finish(ctx, provider, result, mergeWithLastSubmission) {
  ctx.redirect(await provider.interactionResult(ctx.req, ctx.res, result, { mergeWithLastSubmission }));
  ctx.status = 303;
}

function page(ctx, html) {
  ctx.type = 'html';
  ctx.body = html;
}

function same(left, right) {
  const digest = (text) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}

async function readForm(request) {
  let body = '';
  for await (const chunk of request) {
    body += chunk;
    if (body.length > LONGEST_FORM) throw new Error('the form is too long');
  }
  return new URLSearchParams(body);
}
