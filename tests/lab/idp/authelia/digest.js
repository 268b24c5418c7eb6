// Authelia's digest of a client secret: `$pbkdf2-sha512$ROUNDS$SALT$HASH`, salt and hash in base64 with
// `.` for `+` and without padding.

import { pbkdf2, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const FORM = /^\$pbkdf2-sha512\$(\d{1,7})\$([A-Za-z0-9./]+)\$([A-Za-z0-9./]+)$/;
const HASH_BYTES = 64;
const LEAST_SALT_BYTES = 8;

const decode = (text) => Buffer.from(text.replaceAll('.', '+'), 'base64');

/** The parts of a digest, or undefined when it does not have the form. */
export function parseDigest(digest) {
  const match = FORM.exec(digest);
  if (!match) return undefined;
  const rounds = Number(match[1]);
  const salt = decode(match[2]);
  const hash = decode(match[3]);
  if (rounds < 1 || salt.length < LEAST_SALT_BYTES || hash.length !== HASH_BYTES) return undefined;
  return { rounds, salt, hash };
}

/** Whether `secret` is the one of `digest`. Takes about 0.2 s at 310,000 rounds. */
export async function matchesDigest(secret, digest) {
  const parts = parseDigest(digest);
  if (!parts) return false;
  const hash = await promisify(pbkdf2)(secret, parts.salt, parts.rounds, HASH_BYTES, 'sha512');
  return timingSafeEqual(hash, parts.hash);
}
