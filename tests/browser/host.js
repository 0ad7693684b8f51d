// Starts `troupe up` with a LiveKit server of its own, and takes both down.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, openSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './checks.js';
import { LiveKit, freePort } from './livekit.js';

/** Models load and seats warm up; on two busy cores that takes a while. */
const READY_MS_MAX = 120_000;
/** It says goodbye in the room and lets its children end. */
const STOP_MS_MAX = 15_000;

export class Host {
  /** Starts it in a folder of its own, with a tape; resolves when the cast is there. */
  static async start(binary) {
    const host = new Host();
    host.folder = mkdtempSync(join(tmpdir(), 'troupe-browser-'));
    host.log = join(host.folder, 'log');
    host.base = `http://127.0.0.1:${await freePort()}`;
    const output = openSync(host.log, 'w');
    host.livekit = await LiveKit.start();
    // No token that the pages would ask for.
    const ours = ([name]) => name !== 'TROUPE_TOKEN';
    const options = ['--room', 'browser', '--record', host.folder];
    const listen = host.base.slice('http://'.length);
    host.process = spawn(binary, ['up', ...options, '--listen', listen], {
      cwd: host.folder,
      stdio: ['ignore', output, output],
      env: {
        ...Object.fromEntries(Object.entries(process.env).filter(ours)),
        ...host.livekit.environment,
      },
    });
    host.ended = new Promise((ended) => {
      host.process.on('exit', ended);
      host.process.on('error', ended);
    });
    host.ended.then(() => { host.gone = true; });
    try {
      await until('the cast is hosted', () => {
        if (host.gone) throw new Error(`troupe ended at once:\n${host.tail()}`);
        return fetch(`${host.base}/readyz`).then((answer) => answer.ok, () => false);
      }, READY_MS_MAX);
    } catch (error) {
      await host.stop();
      throw error;
    }
    return host;
  }

  async get(path) {
    return (await fetch(this.base + path)).json();
  }

  /** The last lines of its log. */
  tail() {
    return readFileSync(this.log, 'utf8').split('\n').slice(-25).join('\n');
  }

  /** Asks it to end, and then the server; resolves to its exit code, 0 in order. */
  async stop() {
    this.process.kill('SIGTERM');
    const late = setTimeout(() => this.process.kill('SIGKILL'), STOP_MS_MAX);
    const code = await this.ended;
    clearTimeout(late);
    await this.livekit.stop();
    return code;
  }

  /** Removes its folder. */
  clean() {
    rmSync(this.folder, { recursive: true, force: true });
  }
}
