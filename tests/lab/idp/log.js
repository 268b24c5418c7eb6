// One line an event, to a file or to standard output.

import { appendFileSync } from 'node:fs';

/** Returns a function that writes a line with the time; `file` may be undefined. */
export function makeLog(file) {
  return (message) => {
    const line = `${new Date().toISOString()} ${message}\n`;
    if (file === undefined) process.stdout.write(line);
    else appendFileSync(file, line, { mode: 0o600 });
  };
}
