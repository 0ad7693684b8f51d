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
    // YAML takes JSON.
    const env = { ...process.env, LIVEKIT_CONFIG: JSON.stringify(config) };
    const program = process.env.LIVEKIT_SERVER_BIN ?? 'livekit-server';
    server.process = spawn(program, { env, stdio: ['ignore', 'ignore', 'inherit'] });
    let gone = null;
    server.ended = new Promise((ended) => {
      server.process.on('exit', (code) => ended(gone = `it ended with ${code}`));
      server.process.on('error', (error) => ended(gone = error.message));
    });
    await until('the LiveKit server answers', () => {
      if (gone) throw new Error(`${program} does not run: ${gone}; set LIVEKIT_SERVER_BIN`);
      return fetch(`http://127.0.0.1:${port}/`).then((answer) => answer.ok, () => false);
    }, START_MS_MAX);
    return server;
  }

  async stop() {
    this.process.kill('SIGTERM');
    await this.ended;
  }
}
