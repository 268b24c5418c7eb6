// Authelia's configuration file: read, its template actions expanded, its provider's part checked.

import { readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import { checkClient, either } from './client.js';
import { InvalidConfiguration } from './errors.js';
import { OIDC, TOP } from './keys.js';
import { expand } from './template.js';

const PKCE = ['never', 'public_clients_only', 'always'];

/**
 * Reads the file and gives `{ clients, enforcePkce }`, each client with Authelia's defaults.
 *
 * Throws InvalidConfiguration with every mistake that was found.
 */
export function readConfiguration(file) {
  const root = parse(file);
  const oidc = root.identity_providers?.oidc;
  if (!isMap(oidc)) throw new InvalidConfiguration([`${file}: identity_providers: oidc: is required`]);
  const problems = [
    ...unexpected(root, TOP, ''),
    ...unexpected(root.identity_providers, new Set(['oidc']), 'identity_providers.'),
    ...unexpected(oidc, OIDC, 'identity_providers.oidc.'),
  ];
  const enforcePkce = oidc.enforce_pkce ?? 'public_clients_only';
  if (!PKCE.includes(enforcePkce)) {
    problems.push(`identity_providers: oidc: option 'enforce_pkce' must be 'never', 'public_clients_only' or 'always', but it's configured as '${enforcePkce}'`);
  }
  const clients = checkClients(oidc, problems);
  if (problems.length) throw new InvalidConfiguration(problems);
  return { clients, enforcePkce };
}

function parse(file) {
  let text;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new InvalidConfiguration([`failed to load configuration from file path(${file}) source: ${error.message}`]);
  }
  const document = parseDocument(expand(text, file));
  if (document.errors.length) {
    throw new InvalidConfiguration(document.errors.map(
      (error) => `failed to load configuration from file path(${file}) source: yaml: ${error.message}`,
    ));
  }
  const root = document.toJS();
  if (!isMap(root)) throw new InvalidConfiguration([`${file}: the file is not a map`]);
  return root;
}

const isMap = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

const unexpected = (map, known, path) => Object.keys(map)
  .filter((key) => !known.has(key))
  .map((key) => `configuration key not expected: ${path}${key}`);

function checkClients(oidc, problems) {
  const list = oidc.clients ?? [];
  if (!Array.isArray(list) || list.length === 0 || !list.every(isMap)) {
    problems.push("identity_providers: oidc: option 'clients' must have one or more clients configured");
    return [];
  }
  const policies = ['one_factor', 'two_factor', ...Object.keys(oidc.authorization_policies ?? {})];
  const clients = list.map((client) => checkClient(client, policies, problems));

  const blank = list.flatMap((client, index) => (client.client_id ? [] : [`#${index + 1}`]));
  if (blank.length) {
    problems.push(`identity_providers: oidc: clients: option 'id' is required but was absent on the clients in positions ${blank.join(', ')}`);
  }
  const ids = list.map((client) => client.client_id).filter(Boolean);
  const twice = [...new Set(ids.filter((id, index) => ids.indexOf(id) !== index))];
  if (twice.length) {
    problems.push(`identity_providers: oidc: clients: option 'id' must be unique for every client but one or more clients share the following 'id' values ${either(twice)}`);
  }
  return clients;
}
