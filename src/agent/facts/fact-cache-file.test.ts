import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FactFile, type KeptFacts } from './fact-cache-file.ts';

let parent: string;
let directory: string;
let file: FactFile;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'hauberk-facts-'));
  directory = join(parent, 'agent');
  file = new FactFile({ directory, maxBytes: 100_000 });
});

afterEach(() => rmSync(parent, { recursive: true, force: true }));

const kept: KeptFacts = {
  meshIds: ['mesh'],
  savedAtMs: 1_700_000_000_000,
  facts: [
    { typeUrl: 'core/v1/Service', name: 'shop/web', version: '7', resource: { text: 'Grüße\n' } },
    { typeUrl: 'core/v1/Service', name: 'shop/db', version: '8', resource: { ports: [1, 2] } },
  ],
};

it('reads what was written', async () => {
  await file.write(kept);
  expect(await file.read()).toEqual(kept);
});

it('reads back whatever facts there are', async () => {
  const facts = fc.array(
    fc.record({
      typeUrl: fc.string(),
      name: fc.string(),
      version: fc.string(),
      resource: fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value))),
    }),
    { maxLength: 5 },
  );
  await fc.assert(
    fc.asyncProperty(facts, fc.string({ unit: 'binary' }), async (some, meshId) => {
      const wellFormed = { meshIds: [meshId.toWellFormed()], savedAtMs: 1, facts: some };
      await file.write(wellFormed);
      expect(await file.read()).toEqual(JSON.parse(JSON.stringify(wellFormed)));
    }),
    { numRuns: 15 },
  );
});

it('has nothing to read at first', async () => {
  expect(await file.read()).toBeUndefined();
});

it('makes its directory, and keeps both to their owner', async () => {
  await file.write(kept);
  expect(statSync(file.path).mode & 0o777).toBe(0o600);
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  expect(readdirSync(directory)).toEqual(['facts.jsonl']);
});

it('is written although a write was cut off before', async () => {
  await file.write(kept);
  writeFileSync(`${file.path}.new`, 'half');
  await file.write({ ...kept, meshIds: ['other'] });
  expect(await file.read()).toMatchObject({ meshIds: ['other'] });
});

describe('a file that is not as it was written', () => {
  const short: KeptFacts = { meshIds: ['m'], savedAtMs: 1, facts: [] };

  it('is refused, whichever byte was changed', async () => {
    await file.write(short);
    const bytes = readFileSync(file.path);
    for (let index = 0; index < bytes.length; index++) {
      const altered = Buffer.from(bytes);
      altered[index] = (altered[index] ?? 0) ^ 1;
      writeFileSync(file.path, altered);
      await expect(file.read(), `byte ${index}`).rejects.toMatchObject({ code: 'ERR_STORE' });
    }
  });

  it('is refused, wherever it was cut', async () => {
    await file.write(short);
    const bytes = readFileSync(file.path);
    for (let length = 0; length < bytes.length; length++) {
      writeFileSync(file.path, bytes.subarray(0, length));
      await expect(file.read(), `length ${length}`).rejects.toMatchObject({ code: 'ERR_STORE' });
    }
  });

  it('is refused when it is of another format', async () => {
    await file.write(kept);
    const text = readFileSync(file.path, 'utf8').replace('"version":1', '"version":2');
    const end = text.lastIndexOf('\n', text.length - 2) + 1;
    const { createHash } = await import('node:crypto');
    const sha256 = createHash('sha256').update(text.slice(0, end)).digest('hex');
    writeFileSync(file.path, `${text.slice(0, end)}${JSON.stringify({ facts: 2, sha256 })}\n`);
    await expect(file.read()).rejects.toThrow('format "hauberk-facts" version 2');
  });

  it('is refused when others may have written it', async () => {
    await file.write(kept);
    chmodSync(file.path, 0o620);
    await expect(file.read()).rejects.toThrow('others than its owner may write to it');
  });

  it('is refused when it is too large, before it is read', async () => {
    await file.write(kept);
    file = new FactFile({ directory, maxBytes: 100 });
    await expect(file.read()).rejects.toMatchObject({ code: 'ERR_LIMIT' });
  });
});

describe('a write that fails', () => {
  it('because there is too much leaves what was there', async () => {
    await file.write(kept);
    const large = { ...kept, facts: [{ ...kept.facts[0], resource: 'x'.repeat(100_000) }] };
    await expect(file.write(large as KeptFacts)).rejects.toMatchObject({ code: 'ERR_LIMIT' });
    expect(await file.read()).toEqual(kept);
    expect(readdirSync(directory)).toEqual(['facts.jsonl']);
  });

  it('because of the disk says so', async () => {
    writeFileSync(directory, 'not a directory');
    await expect(file.write(kept)).rejects.toMatchObject({ code: 'ERR_STORE' });
    await expect(file.read()).rejects.toMatchObject({ code: 'ERR_STORE' });
  });
});

it('is moved out of the way over one that was moved before', async () => {
  await file.write(kept);
  await file.setAside();
  await file.write({ ...kept, meshIds: ['newer'] });
  const aside = await file.setAside();
  expect(readFileSync(aside ?? '', 'utf8')).toContain('newer');
  expect(await file.read()).toBeUndefined();
  expect(await file.setAside()).toBeUndefined();
});
