import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  abort,
  activate,
  amend,
  inUse,
  type KeySlots,
  prepare,
  type RotationOrder,
  retire,
} from './rotation.ts';
import { decodeSlots, encodeSlots, type SlotCodec } from './rotation-record.ts';
import { type Awaited, nextStep, type RotationEvidence } from './rotation-step.ts';

const order: RotationOrder = {
  role: 'root',
  compromised: false,
  renewWithinMs: 60_000,
  waived: [],
};
const at = (nowMs: number, more: Partial<RotationOrder> = {}) => ({ ...order, ...more, nowMs });
const nobody: RotationEvidence = { unaware: [], outdated: [] };
const start: KeySlots<string> = { current: 'a', rotation: { phase: 'steady' } };

const codec: SlotCodec<string> = {
  encode: (key) => ({ 'ca-key.pem': key }),
  decode: (files) => files['ca-key.pem'] ?? '',
};

describe('the slots', () => {
  it('take a key in, let it sign, and forget the one before', () => {
    const distributing = prepare(start, 'b', at(1));
    expect(inUse(distributing)).toEqual(['a', 'b']);
    const retiring = activate(distributing, 2);
    expect(retiring).toMatchObject({ current: 'b', rotation: { old: 'a', sinceMs: 2 } });
    expect(inUse(retiring)).toEqual(['b', 'a']);
    expect(retire(retiring)).toEqual({ current: 'b', rotation: { phase: 'steady' } });
  });

  it.each<[string, () => unknown]>([
    ['prepare while one is under way', () => prepare(prepare(start, 'b', at(1)), 'c', at(2))],
    ['activate nothing', () => activate(start, 1)],
    ['activate twice', () => activate(activate(prepare(start, 'b', at(1)), 2), 3)],
    ['retire what still signs', () => retire(prepare(start, 'b', at(1)))],
    ['amend nothing', () => amend(start, { waive: ['x'], compromised: false })],
  ])('refuse to %s', (_name, act) => {
    expect(act).toThrow(expect.objectContaining({ code: 'ERR_CONFLICT' }));
  });

  it('forget the next key when the rotation is given up', () => {
    expect(abort(prepare(start, 'b', at(1)))).toEqual(start);
  });

  it.each<[RegExp, () => unknown]>([
    [/no rotation is under way/, () => abort(start)],
    [
      /signs since 1970-01-01T00:00:00.002Z.*too late/,
      () => abort(activate(prepare(start, 'b', at(1)), 2)),
    ],
    [/compromised/, () => abort(prepare(start, 'b', at(1, { compromised: true })))],
  ])('are not given up when it is too late: %s', (reason, act) => {
    expect(act).toThrow(reason);
    expect(act).toThrow(expect.objectContaining({ code: 'ERR_CONFLICT' }));
  });

  it('cannot be told that a compromised key is not', () => {
    const grave = amend(prepare(start, 'b', at(1)), { waive: ['x'], compromised: true });
    expect(grave.rotation).toMatchObject({ compromised: true, renewWithinMs: 0, waived: ['x'] });
    const again = amend(grave, { waive: ['x', 'y'], compromised: false });
    expect(again.rotation).toMatchObject({ compromised: true, waived: ['x', 'y'] });
  });

  it.each([
    '{',
    'null',
    '{}',
    '{"phase":"steady"}',
    '{"phase":"retiring","role":"root","compromised":false,"waived":[1],"renewWithinMs":0,"startedAtMs":0,"sinceMs":0}',
  ])('are not read with the course %s', (text) => {
    const files = { 'ca-key.pem': 'a', 'old-ca-key.pem': 'b', 'rotation.json': text };
    expect(() => decodeSlots(files, codec)).toThrow(/rotation.json .* cannot be read/);
  });
});

const awaited: fc.Arbitrary<Awaited> = fc.record({
  name: fc.constantFrom('shop/a', 'shop/b', 'shop/c'),
  id: fc.constantFrom('spiffe://x/a', 'spiffe://x/b'),
  presence: fc.constantFrom('connected', 'away', 'lost'),
  lacks: fc.constant('lacks it'),
});
const evidence: fc.Arbitrary<RotationEvidence> = fc.record({
  unaware: fc.array(awaited, { maxLength: 3 }),
  outdated: fc.array(awaited, { maxLength: 3 }),
});
type CourseEvent =
  | { readonly found: RotationEvidence }
  | { readonly ordered: RotationOrder }
  | { readonly amended: Parameters<typeof amend>[1] };

const event: fc.Arbitrary<CourseEvent> = fc.oneof(
  evidence.map((found) => ({ found })),
  fc
    .record({
      role: fc.constantFrom('root' as const, 'intermediate' as const),
      compromised: fc.boolean(),
      renewWithinMs: fc.nat(1_000),
      waived: fc.subarray(['shop/a', 'spiffe://x/b']),
    })
    .map((ordered) => ({ ordered })),
  fc
    .record({ waive: fc.subarray(['shop/b', 'shop/c']), compromised: fc.boolean() })
    .map((amended) => ({ amended })),
);

interface Move {
  readonly before: KeySlots<string>;
  readonly event: CourseEvent;
  readonly now: KeySlots<string>;
}

/** What is done with one event; commands that do not fit are refused and change nothing. */
function moved(slots: KeySlots<string>, what: CourseEvent, step: number): KeySlots<string> {
  try {
    if ('ordered' in what) return prepare(slots, `key ${step}`, { ...what.ordered, nowMs: step });
    if ('amended' in what) return amend(slots, what.amended);
  } catch {
    return slots;
  }
  const { step: decided } = nextStep(slots, what.found);
  if (decided === 'activate') return activate(slots, step);
  return decided === 'retire' ? retire(slots) : slots;
}

const courses: fc.Arbitrary<readonly Move[]> = fc.array(event, { maxLength: 30 }).map((events) => {
  let before = start;
  return events.map((each, step) => {
    const move = { before, event: each, now: moved(before, each, step) };
    before = move.now;
    return move;
  });
});

/** Who was found not to know of the key that was activated, and was not waived. */
function overlooked({ before: { rotation }, event: what }: Move): readonly Awaited[] {
  if (rotation.phase !== 'distributing' || !('found' in what)) return [];
  const { waived } = rotation;
  return what.found.unaware.filter(
    ({ name, id }) => !waived.includes(name) && !waived.includes(id),
  );
}

describe('any course of events', () => {
  const always = (holds: (move: Move) => void): void =>
    fc.assert(fc.property(courses, (moves) => moves.forEach(holds)));

  it('has each key trusted before it signs, and the one before trusted after', () => {
    always(({ before, now }) => {
      if (now.current === before.current) return;
      expect(inUse(before)).toContain(now.current);
      expect(inUse(now)).toContain(before.current);
    });
  });

  it('activates a key only when everybody knows it who has to', () => {
    always((move) => {
      const { rotation } = move.before;
      if (move.now.current === move.before.current || rotation.phase !== 'distributing') return;
      const presences = overlooked(move).map(({ presence }) => presence);
      if (rotation.role === 'intermediate') expect(presences).not.toContain('connected');
      else if (rotation.compromised) expect(presences.every((each) => each === 'lost')).toBe(true);
      else expect(presences).toEqual([]);
    });
  });

  it('is forgotten by no crash: what is read back is what was written', () => {
    always(({ now }) => expect(decodeSlots(encodeSlots(now, codec), codec)).toEqual(now));
  });

  it('ends steady when nobody stands in the way any more', () => {
    always(({ now }) => {
      const once = moved(now, { found: nobody }, 98);
      expect(moved(once, { found: nobody }, 99).rotation.phase).toBe('steady');
    });
  });
});

describe('nextStep', () => {
  const one: Awaited = { name: 'shop/a', id: 'spiffe://x/a', presence: 'lost', lacks: '' };
  const distributing = prepare(start, 'b', at(1));
  const grave = prepare(start, 'b', at(1, { compromised: true }));

  it('waits for who is lost, by name, unless the key is compromised', () => {
    const found = { ...nobody, unaware: [one] };
    expect(nextStep(distributing, found)).toEqual({ step: 'wait', for: [one] });
    expect(nextStep(grave, found)).toEqual({ step: 'activate' });
    expect(nextStep(grave, { ...nobody, unaware: [{ ...one, presence: 'away' }] }).step).toBe(
      'wait',
    );
  });

  it.each(['shop/a', 'spiffe://x/a'])('does not wait for %s once that is waived', (name) => {
    const waived = amend(distributing, { waive: [name], compromised: false });
    expect(nextStep(waived, { ...nobody, unaware: [one] })).toEqual({ step: 'activate' });
  });

  it('needs nobody but who is connected to know of a new intermediate, and retires the old one when nobody has its leaf', () => {
    const intermediate = prepare(start, 'b', at(1, { role: 'intermediate' }));
    expect(nextStep(intermediate, { ...nobody, unaware: [one] })).toEqual({ step: 'activate' });
    const here: Awaited = { ...one, presence: 'connected' };
    expect(nextStep(intermediate, { ...nobody, unaware: [here] }).step).toBe('wait');
    const retiring = activate(intermediate, 2);
    expect(nextStep(retiring, { unaware: [one], outdated: [one] }).step).toBe('wait');
    expect(nextStep(retiring, { unaware: [one], outdated: [] })).toEqual({ step: 'retire' });
  });
});
