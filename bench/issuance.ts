import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { type CallRate, callRates } from './issuance-calls.ts';
import { issuanceInOneThread } from './issuance-in-one-thread.ts';
import { opensslSpeed } from './openssl-speed.ts';

/** How many certificates a second the authority issues, beside what OpenSSL alone could. */
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const rounds = Number(values.rounds);

const cpu = cpus();
console.log(`${cpu[0]?.model ?? 'unknown CPU'}, ${cpu.length} cores, Node ${process.version}`);
console.log(`OpenSSL of Node ${process.versions.openssl}; ${rounds} rounds of ${seconds} s\n`);

if (values.only !== 'calls') {
  console.log('one thread: CSR in PEM, checked, signed, leaf and intermediate out as PEM');
  for (let round = 1; round <= rounds; round++) {
    const limit = opensslSpeed(seconds);
    const perSecond = await issuanceInOneThread(seconds);
    console.log(
      `  ${rate(perSecond)}; openssl speed: ${rate(limit.signPerSecond)} signatures, ${rate(limit.verifyPerSecond)} verifications, so at most ${rate(limit.bothPerSecond)} of one each: ${Math.round((100 * perSecond) / limit.bothPerSecond)} %`,
    );
  }
}

if (values.only !== 'thread') {
  console.log('\nCreateCertificate over gRPC and mTLS, control plane and clients on this machine');
  for await (const result of callRates({ seconds, rounds })) console.log(`  ${describe(result)}`);
}

function describe({ name, perSecond, p50Ms, p99Ms, failed, cpuMs }: CallRate): string {
  return `${name}: ${rate(perSecond)}, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, ${failed} failed, ${cpuMs.toFixed(2)} ms of the control plane's CPU each`;
}

function rate(perSecond: number): string {
  return `${Math.round(perSecond).toLocaleString('en')}/s`;
}
