// The lab's identity provider: `node server.js [--validate] CONFIG.json`.
//
// Reads everything once; a change of the configuration needs a restart, as with Authelia. An invalid
// configuration ends it with exit code 1 before it listens.

import { readConfiguration } from './authelia/configuration.js';
import { InvalidConfiguration } from './authelia/errors.js';
import { makeLog } from './log.js';
import { makeProvider } from './provider.js';
import { readSettings } from './settings.js';
import { Store } from './store.js';

const args = process.argv.slice(2);
const validateOnly = args[0] === '--validate';
const file = validateOnly ? args[1] : args[0];
if (file === undefined) {
  console.error('usage: node server.js [--validate] CONFIG.json');
  process.exit(2);
}

try {
  const settings = readSettings(file);
  const authelia = readConfiguration(settings.configuration);
  if (validateOnly) {
    console.log('Configuration parsed and loaded successfully without errors.');
  } else {
    start(settings, authelia);
  }
} catch (error) {
  if (!(error instanceof InvalidConfiguration)) throw error;
  console.error('Configuration parsed and loaded with errors:\n');
  for (const message of error.messages) console.error(`\t - ${message}`);
  process.exitCode = 1;
}

function start(settings, authelia) {
  const log = makeLog(settings.log);
  const store = new Store(settings.state);
  const provider = makeProvider({ settings, authelia, store, log });
  const server = provider.listen(settings.port, settings.host, () => {
    log(`listening on ${settings.host}:${settings.port} as ${settings.issuer}`);
  });
  server.on('error', (error) => {
    console.error(`can't listen on ${settings.host}:${settings.port}: ${error.message}`);
    process.exit(1);
  });
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      server.close(() => process.exit(0));
      server.closeAllConnections();
    });
  }
}
