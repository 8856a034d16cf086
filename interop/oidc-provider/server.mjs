// An oidc-provider with open registration on a loopback port, for interoperability tests.
// Settings come from the environment, see README.md; whoever starts it keeps its stdin open.

import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const { PORT = '0', INITIAL_ACCESS_TOKEN, ROTATE, CLIENT_CREDENTIALS } = process.env;

// Stdout carries only the lines below; the library writes its notices there too, even after the reader has gone.
console.info = console.error;

const records = new Map();

/** The storage that the library asks for, one instance per kind of record; everything is lost on exit. */
class MemoryAdapter {
  constructor(kind) {
    this.prefix = `${kind}:`;
  }

  async upsert(id, payload, expiresIn) {
    const expires = expiresIn === undefined ? Infinity : Date.now() + expiresIn * 1000;
    records.set(this.prefix + id, { payload, expires });
  }

  async find(id) {
    const record = records.get(this.prefix + id);
    return record && record.expires > Date.now() ? record.payload : undefined;
  }

  async findByUid(uid) {
    return this.#search((payload) => payload.uid === uid);
  }

  async findByUserCode(userCode) {
    return this.#search((payload) => payload.userCode === userCode);
  }

  async destroy(id) {
    records.delete(this.prefix + id);
  }

  async consume(id) {
    records.get(this.prefix + id).payload.consumed = Math.floor(Date.now() / 1000);
  }

  async revokeByGrantId(grantId) {
    for (const [key, { payload }] of records) {
      if (payload.grantId === grantId) records.delete(key);
    }
  }

  #search(wanted) {
    for (const [key, { payload, expires }] of records) {
      if (key.startsWith(this.prefix) && expires > Date.now() && wanted(payload)) return payload;
    }
    return undefined;
  }
}

function clientIds() {
  return [...records.keys()].filter((key) => key.startsWith('Client:')).map((key) => key.slice('Client:'.length));
}

// The issuer names the port, so the provider can be made only once a free port is known.
const server = createServer();

server.listen(Number(PORT), '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    adapter: MemoryAdapter,
    features: {
      registration: { enabled: true, initialAccessToken: INITIAL_ACCESS_TOKEN || false },
      registrationManagement: { enabled: true, rotateRegistrationAccessToken: ROTATE === '1' },
      clientCredentials: { enabled: CLIENT_CREDENTIALS === '1' },
    },
  });
  provider.on('server_error', (ctx, error) => console.error(`${ctx.method} ${ctx.path}: ${error.stack}`));

  const library = provider.callback();
  server.on('request', (request, response) => {
    if (request.method === 'GET' && request.url === '/_clients') {
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify({ clients: clientIds() }));
    } else {
      library(request, response);
    }
  });

  console.log(`ISSUER=${issuer}`);
  console.log(`REGISTRATION_ENDPOINT=${issuer}/reg`);
  if (INITIAL_ACCESS_TOKEN) console.log(`INITIAL_ACCESS_TOKEN=${INITIAL_ACCESS_TOKEN}`);
});

server.on('error', (error) => {
  console.error(`cannot listen on 127.0.0.1:${PORT}: ${error.message}`);
  process.exit(1);
});

// The server must not outlive the test that started it.
function stop() {
  process.exit(0);
}
process.stdin.on('end', stop).on('close', stop).on('error', stop).resume();
process.on('SIGTERM', stop).on('SIGINT', stop);
