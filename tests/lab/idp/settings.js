// The lab's own settings, CONFIG.json: where to listen, who may sign in, where the files are.

import { readFileSync } from 'node:fs';
import { InvalidConfiguration } from './authelia/errors.js';

const KEYS = new Set([
  'issuer', 'listen', 'configuration', 'state', 'initial_access_token', 'users', 'log',
]);

/**
 * Reads and checks CONFIG.json.
 *
 * Keys: `issuer` (URL), `listen` ("127.0.0.1:PORT"), `configuration` (path of Authelia's file), `state`
 * (path of a file that this program keeps), `initial_access_token` (optional; dynamic registration is off
 * without it), `users` (list of { name, password, email }), `log` (optional path).
 */
export function readSettings(file) {
  let settings;
  try {
    settings = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new InvalidConfiguration([`${file}: ${error.message}`]);
  }
  const problems = Object.keys(settings)
    .filter((key) => !KEYS.has(key))
    .map((key) => `${file}: unknown key ${key}`);
  for (const key of ['issuer', 'listen', 'configuration', 'state']) {
    if (typeof settings[key] !== 'string') problems.push(`${file}: ${key} must be a string`);
  }
  if (!Array.isArray(settings.users)) problems.push(`${file}: users must be a list`);
  for (const [index, user] of (settings.users ?? []).entries()) {
    for (const key of ['name', 'password', 'email']) {
      if (typeof user[key] !== 'string') problems.push(`${file}: users[${index}].${key} must be a string`);
    }
  }
  const listen = /^(.+):(\d+)$/.exec(settings.listen ?? '');
  if (!listen) problems.push(`${file}: listen must be ADDRESS:PORT`);
  if (problems.length) throw new InvalidConfiguration(problems);
  return { ...settings, host: listen[1], port: Number(listen[2]) };
}
