import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import type { Identity } from '../../../src/spiffe/identity.ts';
import { peer } from '../../kit/peer.ts';
import { FRONTEND, SpiffeSocketRig } from '../../kit/spiffe-socket.ts';

const script = fileURLToPath(new URL('./client.py', import.meta.url));

/** A program in Python on the socket; gives what it prints, line by line. */
class PythonClient implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #errors = '';

  constructor(python: string, what: string, { path }: SpiffeSocketRig) {
    const args = [script, what, `unix://${path}`];
    this.#child = spawn(python, args, { stdio: ['pipe', 'pipe', 'pipe'] });
    this.#child.stderr?.on('data', (chunk: Buffer) => {
      this.#errors += chunk.toString();
    });
    const { stdout } = this.#child;
    if (stdout === null) throw new Error('no stdout');
    this.#lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  }

  async next(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the program ended: ${this.#errors}`);
    return JSON.parse(value);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode !== null) return;
    const gone = new Promise((resolve) => this.#child.once('exit', resolve));
    this.#child.stdin?.end();
    const late = setTimeout(() => this.#child.kill('SIGKILL'), 5_000);
    await gone;
    clearTimeout(late);
  }
}

/** As Python writes numbers in hex: without leading zeros. */
function serialOf(identity: Identity): string {
  return BigInt(`0x${identity.svid.chain[0]?.serial}`).toString(16);
}

peer('python-spiffe', (python) => {
  it('fetches its certificate and the bundles', async () => {
    await using rig = await SpiffeSocketRig.start();
    await using client = new PythonClient(python, 'fetch', rig);
    expect(await client.next()).toEqual({
      ...{ id: FRONTEND, serial: serialOf(rig.identity.current), chain: 2 },
      domains: ['cluster.local'],
    });
  });

  it.each(['watch', 'source'])('sees three rotations with a %s', async (what) => {
    await using rig = await SpiffeSocketRig.start();
    await using client = new PythonClient(python, what, rig);
    expect(await client.next()).toMatchObject({ serial: serialOf(rig.identity.current) });
    // The source subscribes after its first line; a rotation in between is not told of.
    await new Promise((resolve) => setTimeout(resolve, 200));
    for (let i = 0; i < 3; i++) {
      rig.rotate();
      expect(await client.next()).toEqual({ id: FRONTEND, serial: serialOf(rig.identity.current) });
    }
  });

  it('comes back by itself when the agent was restarted', async () => {
    await using rig = await SpiffeSocketRig.start();
    await using client = new PythonClient(python, 'watch', rig);
    await client.next();
    await rig.stop();
    rig.rotate();
    await rig.start();
    expect(await client.next()).toEqual({ id: FRONTEND, serial: serialOf(rig.identity.current) });
  });

  it('is told by status code what it did wrong', async () => {
    await using rig = await SpiffeSocketRig.start();
    await using client = new PythonClient(python, 'raw', rig);
    expect(await client.next()).toEqual({
      with: 'OK',
      without: 'INVALID_ARGUMENT',
      wrong: 'INVALID_ARGUMENT',
      twice: 'INVALID_ARGUMENT',
      jwt: 'UNIMPLEMENTED',
      wit: 'UNIMPLEMENTED',
    });
  });

  it('is given nothing when it runs as another user than those allowed', async () => {
    const uid = (process.getuid?.() ?? 0) + 1;
    await using rig = await SpiffeSocketRig.start({ allowedUids: [uid] });
    await using client = new PythonClient(python, 'raw', rig);
    expect(await client.next()).toMatchObject({
      with: 'PERMISSION_DENIED',
      without: 'PERMISSION_DENIED',
    });
    expect(rig.refused[0]).toMatchObject({ caller: { uid: uid - 1 }, method: 'FetchX509SVID' });
  });
});
