import { parseArgs } from 'node:util';
import type { Authorization } from '../src/policy/authorization/authorization.ts';
import { compileAuthorization } from '../src/policy/authorization/compile-authorization.ts';
import { defaultMeshSettings } from '../src/policy/mesh-settings.ts';
import { alignedTable } from './aligned-table.ts';
import { policiesOf, type Shape, shapes } from './decision-shapes.ts';

// What one decision takes with 10, 1,000 and 10,000 rules: a call that a rule matches (each time another
// rule) and one that none does. Aims: flat within 2x, below 2 us for connections and 5 us for requests.

const SIZES = [10, 1_000, 10_000];
const ROUNDS = 7;
const DECISIONS = 50_000;
/**
 * Different calls, spread over all rules. Few of them show what more rules cost; with many, memory that
 * is not in a cache costs too, so those are held to the limits only.
 */
const CALLS = { match: 10, 'no match': 10, 'match, 256 callers': 256 } as const;
type CallKind = keyof typeof CALLS;
const LIMIT_NS = { L4: 2_000, L7: 5_000 };
const FLAT = 2;
const WORKLOAD = { namespace: 'shop', labels: {} };

interface Row {
  readonly shape: string;
  readonly layer: 'L4' | 'L7';
  readonly call: CallKind;
  readonly compileMs: number;
  /** Nanoseconds for each of SIZES. */
  readonly ns: readonly number[];
  /** Of the slowest to the quickest. */
  readonly spread: number;
}

const { values: options } = parseArgs({ options: { output: { type: 'string', short: 'o' } } });
const rows = shapes.flatMap(measure);
const good = rows.every(
  ({ layer, call, ns, spread }) =>
    (spread <= FLAT || CALLS[call] > 10) && Math.max(...ns) < LIMIT_NS[layer],
);
console.log(options.output === 'json' ? JSON.stringify({ good, sizes: SIZES, rows }) : table());
process.exitCode = good ? 0 : 1;

function measure(shape: Shape): Row[] {
  const sets = SIZES.map((size) => {
    const startedAt = performance.now();
    const authorization = compileAuthorization(
      policiesOf(shape, size),
      WORKLOAD,
      defaultMeshSettings,
    );
    decide(shape, authorization, 0);
    return { size, authorization, compileMs: performance.now() - startedAt };
  });
  const compileMs = sets.at(-1)?.compileMs ?? 0;
  return (Object.keys(CALLS) as CallKind[]).map((call) => {
    const ns = sets.map(({ size, authorization }) =>
      perDecision(shape, authorization, call, (n) =>
        call === 'no match' ? size + (n % size) : n % size,
      ),
    );
    const spread = Math.max(...ns) / Math.min(...ns);
    return { shape: shape.name, layer: shape.layer, call, compileMs, ns, spread };
  });
}

/** The best of some rounds: what others do on the machine only ever adds. */
function perDecision(
  shape: Shape,
  authorization: Authorization,
  kind: CallKind,
  numberOf: (n: number) => number,
): number {
  const calls = Array.from({ length: CALLS[kind] }, (_, n) => shape.call(numberOf(n * 7919)));
  const decisions = Array.from({ length: DECISIONS / CALLS[kind] }, () => calls).flat();
  const judge = shape.layer === 'L4' ? 'authorizeConnection' : 'authorizeRequest';
  const times = Array.from({ length: ROUNDS }, () => {
    const startedAt = performance.now();
    for (const call of decisions) {
      if (judge === 'authorizeConnection') authorization.authorizeConnection(call.connection);
      else authorization.authorizeRequest(call);
    }
    return ((performance.now() - startedAt) * 1e6) / decisions.length;
  });
  return Math.min(...times);
}

function decide(shape: Shape, authorization: Authorization, n: number): void {
  const call = shape.call(n);
  if (shape.layer === 'L4') authorization.authorizeConnection(call.connection);
  else authorization.authorizeRequest(call);
}

function table(): string {
  const head = ['rules', 'call', ...SIZES.map((size) => `${size}`), 'spread', 'compiled'];
  const body = rows.map(({ shape, layer, call, ns, spread, compileMs }) => [
    `${layer} ${shape}`,
    call,
    ...ns.map((each) => `${(each / 1_000).toFixed(2)} us`),
    `${spread.toFixed(2)}x`,
    `${compileMs.toFixed(0)} ms`,
  ]);
  return alignedTable(head, body);
}
