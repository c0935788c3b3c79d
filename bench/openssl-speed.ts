import { spawnSync } from 'node:child_process';

export interface OpensslSpeed {
  readonly signPerSecond: number;
  readonly verifyPerSecond: number;
  /** Pairs of one signature and one verification, which an issuance needs at least. */
  readonly bothPerSecond: number;
}

/** `openssl speed ecdsap256` of the machine's own openssl, in one thread. */
export function opensslSpeed(seconds: number): OpensslSpeed {
  const args = ['speed', '-seconds', String(Math.ceil(seconds / 2)), 'ecdsap256'];
  const { stdout } = spawnSync('openssl', args, { encoding: 'utf8' });
  const [, sign, verify] =
    /ecdsa \(nistp256\)\s+\S+\s+\S+\s+([\d.]+)\s+([\d.]+)/.exec(stdout) ?? [];
  const [signPerSecond, verifyPerSecond] = [Number(sign), Number(verify)];
  if (!(signPerSecond > 0 && verifyPerSecond > 0)) throw new Error(`openssl speed said: ${stdout}`);
  return {
    signPerSecond,
    verifyPerSecond,
    bothPerSecond: 1 / (1 / signPerSecond + 1 / verifyPerSecond),
  };
}
