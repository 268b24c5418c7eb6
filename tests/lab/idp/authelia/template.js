// Authelia's `template` filter for the one action that the lab uses:
// `{{- fileContent "PATH" | nindent N }}` puts a file in, each line indented by N blanks.

import { readFileSync } from 'node:fs';
import { InvalidConfiguration } from './errors.js';

const INCLUDE = /\s*\{\{-\s*fileContent\s+"([^"]+)"\s*\|\s*nindent\s+(\d+)\s*\}\}/g;

/** Expands the includes of `text`; `name` is the file's name for messages. A missing file is an error. */
export function expand(text, name) {
  const expanded = text.replace(INCLUDE, (_action, path, blanks) => {
    try {
      return nindent(readFileSync(path, 'utf8'), Number(blanks));
    } catch (error) {
      throw new InvalidConfiguration([
        `failed to load configuration from file path(${name}) source: template: `
        + `error calling fileContent: open ${path}: ${error.code === 'ENOENT' ? 'no such file or directory' : error.message}`,
      ]);
    }
  });
  const other = /\{\{.*?\}\}/s.exec(expanded);
  if (other) {
    throw new InvalidConfiguration([
      `${name}: the lab's provider knows no other template action than fileContent with nindent: ${other[0]}`,
    ]);
  }
  return expanded;
}

/** Sprig's `nindent`: a new line, then each line indented. */
function nindent(text, blanks) {
  const pad = ' '.repeat(blanks);
  return `\n${pad}${text.replaceAll('\n', `\n${pad}`)}`;
}
