// What the provider remembers. Registered clients, their management tokens and the keys lie in a file and
// outlive a restart; sessions, codes and tokens are in memory, so that a restart signs everyone out.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';

const KEPT = new Set(['Client', 'RegistrationAccessToken']);
const GRANTABLE = new Set(['AccessToken', 'AuthorizationCode', 'RefreshToken']);

export class Store {
  #file;

  #kept;

  #memory = new Map();

  constructor(file) {
    this.#file = file;
    try {
      this.#kept = JSON.parse(readFileSync(file, 'utf8'));
    } catch (error) {
      if (error.code !== 'ENOENT') throw new Error(`${file}: ${error.message}`);
      this.#kept = { cookieKey: randomBytes(32).toString('hex'), signingKey: newSigningKey(), entries: {} };
      this.#save();
    }
  }

  get cookieKey() { return this.#kept.cookieKey; }

  get signingKey() { return this.#kept.signingKey; }

  get(key) {
    if (Object.hasOwn(this.#kept.entries, key)) return this.#kept.entries[key];
    const entry = this.#memory.get(key);
    if (entry === undefined || entry.expires > Date.now()) return entry?.payload;
    this.#memory.delete(key);
    return undefined;
  }

  set(model, key, payload, seconds) {
    if (KEPT.has(model)) {
      this.#kept.entries[key] = payload;
      this.#save();
    } else {
      const expires = seconds === undefined ? Infinity : Date.now() + seconds * 1000;
      this.#memory.set(key, { payload, expires });
    }
  }

  delete(key) {
    this.#memory.delete(key);
    if (Object.hasOwn(this.#kept.entries, key)) {
      delete this.#kept.entries[key];
      this.#save();
    }
  }

  deleteWhere(matches) {
    for (const [key, entry] of this.#memory) if (matches(entry.payload)) this.#memory.delete(key);
  }

  findWhere(matches) {
    for (const [key, entry] of this.#memory) if (matches(entry.payload)) return this.get(key);
    return undefined;
  }

  #save() {
    const aside = `${this.#file}.new`;
    writeFileSync(aside, JSON.stringify(this.#kept, null, 2), { mode: 0o600 });
    renameSync(aside, this.#file);
  }
}

function newSigningKey() {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' };
}

/** oidc-provider's adapter for one model, over the store that all models share. */
export function adapterFor(store) {
  return (model) => {
    const keyOf = (id) => `${model}:${id}`;
    return {
      upsert: async (id, payload, seconds) => store.set(model, keyOf(id), payload, seconds),
      find: async (id) => store.get(keyOf(id)),
      findByUid: async (uid) => store.findWhere((payload) => payload.uid === uid && payload.kind === model),
      findByUserCode: async () => undefined,
      destroy: async (id) => store.delete(keyOf(id)),
      consume: async (id) => {
        const payload = store.get(keyOf(id));
        if (payload) payload.consumed = Math.floor(Date.now() / 1000);
      },
      revokeByGrantId: async (grantId) => store.deleteWhere(
        (payload) => GRANTABLE.has(payload.kind) && payload.grantId === grantId,
      ),
    };
  };
}
