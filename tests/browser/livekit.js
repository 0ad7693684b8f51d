// A LiveKit server of the test's own, on ports that nobody else has.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { until } from './checks.js';

const START_MS_MAX = 20_000;
const KEY = 'test';

export async function freePort() {
  const probe = createServer();
  await new Promise((ready) => { probe.listen(0, '127.0.0.1', ready); });
  const { port } = probe.address();
  await new Promise((closed) => { probe.close(closed); });
  return port;
}

export class LiveKit {
  static async start() {
    const server = new LiveKit();
    const [port, tcp_port, udp_port] = [await freePort(), await freePort(), await freePort()];
    const secret = randomBytes(32).toString('hex');
    const config = {
      port,
      bind_addresses: ['127.0.0.1'],
      keys: { [KEY]: secret },
      rtc: {
        tcp_port,
        udp_port,
        node_ip: '127.0.0.1',
        use_external_ip: false,
        enable_loopback_candidate: true,
        ips: { includes: ['127.0.0.1/32'] },
      },
      logging: { level: 'error', pion_level: 'error' },
    };
    server.environment = {
      LIVEKIT_URL: `ws://127.0.0.1:${port}`, LIVEKIT_API_KEY: KEY, LIVEKIT_API_SECRET: secret,
    };
    server.config = config;
    await server.run();
    return server;
  }

  /** Starts the process, also again after `stop`, at the same address. */
  async run() {
    // YAML takes JSON.
    const env = { ...process.env, LIVEKIT_CONFIG: JSON.stringify(this.config) };
    const program = process.env.LIVEKIT_SERVER_BIN ?? 'livekit-server';
    this.process = spawn(program, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    let gone = null;
    this.ended = new Promise((ended) => {
      this.process.on('exit', (code) => ended(gone = `it ended with ${code}`));
      this.process.on('error', (error) => ended(gone = error.message));
    });
    const address = `http://127.0.0.1:${this.config.port}/`;
    await until('the LiveKit server answers', () => {
      if (gone) throw new Error(`${program} does not run: ${gone}; set LIVEKIT_SERVER_BIN`);
      return fetch(address).then((answer) => answer.ok, () => false);
    }, START_MS_MAX);
  }

  /** `SIGKILL` lets nobody know. */
  async stop(signal = 'SIGTERM') {
    this.process.kill(signal);
    await this.ended;
  }
}
