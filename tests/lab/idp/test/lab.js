// A provider of its own for each test file: its files in a temporary folder, a free port.

import { spawn } from 'node:child_process';
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const SERVER = fileURLToPath(new URL('../server.js', import.meta.url));
export const REDIRECT = 'https://app.example.com/callback';

/** A digest as stackrun writes it, with few rounds so that the tests are quick. */
export function digest(secret) {
  const encode = (bytes) => bytes.toString('base64').replaceAll('=', '').replaceAll('+', '.');
  const salt = randomBytes(16);
  return `$pbkdf2-sha512$1000$${encode(salt)}$${encode(pbkdf2Sync(secret, salt, 1000, 64, 'sha512'))}`;
}

export class Lab {
  static async create() {
    const lab = new Lab();
    lab.folder = mkdtempSync(join(tmpdir(), 'idp-'));
    process.on('exit', () => rmSync(lab.folder, { recursive: true, force: true }));
    lab.port = await freePort();
    lab.url = `http://127.0.0.1:${lab.port}`;
    lab.fragment = join(lab.folder, 'stackrun-clients.yml');
    lab.write(lab.fragment, '');
    lab.write(join(lab.folder, 'configuration.yml'), `
identity_providers:
  oidc:
    clients:
      - client_id: operators
        client_secret: '${digest('operators-secret')}'
        redirect_uris: ['https://other.example.com/callback']
        token_endpoint_auth_method: client_secret_post
      {{- fileContent "${lab.fragment}" | nindent 6 }}
`);
    lab.config = join(lab.folder, 'config.json');
    lab.write(lab.config, JSON.stringify({
      issuer: lab.url,
      listen: `127.0.0.1:${lab.port}`,
      configuration: join(lab.folder, 'configuration.yml'),
      state: join(lab.folder, 'state.json'),
      initial_access_token: 'initial',
      users: [{ name: 'alice', password: 'alice-password', email: 'alice@example.com' }],
      log: join(lab.folder, 'log'),
    }));
    return lab;
  }

  write(file, text) { writeFileSync(file, text); }

  /** Validates with this fragment. */
  validate(fragment) {
    this.write(this.fragment, fragment);
    return this.run(['--validate', this.config]);
  }

  /** Runs the server to its end; gives the exit code and what was printed. */
  async run(args) {
    const child = spawn(process.execPath, [SERVER, ...args]);
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => { printed += data; });
    const code = await new Promise((resolve) => { child.on('close', resolve); });
    return { code, printed };
  }

  async start() {
    this.child = spawn(process.execPath, [SERVER, this.config], { stdio: 'ignore' });
    for (let tries = 0; tries < 200; tries += 1) {
      try {
        if ((await fetch(`${this.url}/jwks`)).ok) return;
      } catch { /* not yet */ }
      await new Promise((resolve) => { setTimeout(resolve, 50); });
    }
    throw new Error('the provider did not start');
  }

  async stop() {
    const ended = new Promise((resolve) => { this.child.on('exit', resolve); });
    this.child.kill('SIGTERM');
    return ended;
  }

  async restart() {
    await this.stop();
    await this.start();
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** A browser's part: keeps cookies by name and follows redirects by hand. */
export class Browser {
  cookies = new Map();

  async go(url, options = {}) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(url, { ...options, redirect: 'manual', headers: { ...options.headers, cookie } });
    for (const line of response.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (value === '') this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return response;
  }

  /** Follows redirects until there is a page, or the application's own address. */
  async follow(url, options) {
    let response = await this.go(url, options);
    let here = url;
    while (response.status === 302 || response.status === 303) {
      here = new URL(response.headers.get('location'), here).href;
      if (here.startsWith(REDIRECT)) break;
      response = await this.go(here);
    }
    return { response, url: here };
  }
}
