/** One sample of Prometheus' text format. */
export interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

const LABELS = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(?:,|$)/y;
const SAMPLE = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/;
const TYPES = ['counter', 'gauge', 'histogram', 'summary'];

/**
 * The samples of a text in Prometheus' format 0.0.4, which is taken strictly: each metric has HELP and
 * TYPE before its samples, stands together, and no sample is there twice; counters end in `_total` and
 * nothing else does.
 *
 * @throws Error naming the line.
 */
export function readMetrics(text: string): readonly Sample[] {
  check(text.endsWith('\n'), 'the last line does not end');
  const reader = new Reader();
  for (const line of text.split('\n').slice(0, -1)) if (line !== '') reader.take(line);
  return reader.samples;
}

class Reader {
  readonly samples: Sample[] = [];
  readonly #types = new Map<string, string>();
  readonly #helped = new Set<string>();
  readonly #seen = new Set<string>();
  #current = '';

  take(line: string): void {
    const [, word, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? [];
    if (word === 'HELP') this.#help(line, name, rest);
    else if (word === 'TYPE') this.#type(line, name, rest);
    else this.#sample(line);
  }

  #help(line: string, name: string, text: string): void {
    check(!this.#helped.has(name) && text !== '', line);
    this.#helped.add(name);
    this.#current = name;
  }

  #type(line: string, name: string, type: string): void {
    check(name === this.#current && !this.#types.has(name) && TYPES.includes(type), line);
    check((type === 'counter') === name.endsWith('_total'), line);
    this.#types.set(name, type);
  }

  #sample(line: string): void {
    const sample = readSample(line);
    const base = sample.name.replace(/_(?:bucket|sum|count)$/, '');
    check([sample.name, base].includes(this.#current) && this.#types.has(this.#current), line);
    const key = line.slice(0, line.lastIndexOf(' '));
    check(!this.#seen.has(key), line);
    this.#seen.add(key);
    this.samples.push(sample);
  }
}

function readSample(line: string): Sample {
  const [, name = '', body = '', word = ''] = SAMPLE.exec(line) ?? [];
  const value = word === '+Inf' ? Number.POSITIVE_INFINITY : Number(word);
  // Prometheus takes "Nan" in any case.
  check(name !== '' && (!Number.isNaN(value) || /^nan$/i.test(word)), line);
  const labels: Record<string, string> = {};
  LABELS.lastIndex = 0;
  while (LABELS.lastIndex < body.length) {
    const [, label = '', text = ''] = LABELS.exec(body) ?? [];
    check(label !== '' && !(label in labels), line);
    labels[label] = text;
  }
  return { name, labels, value };
}

function check(good: boolean, line: string): void {
  if (!good) throw new Error(`not Prometheus' format: ${line}`);
}

/** The value of the sample with that name and at least those labels. */
export function sampleOf(
  samples: readonly Sample[],
  name: string,
  labels: Readonly<Record<string, string>> = {},
): number | undefined {
  return samples.find(
    (sample) =>
      sample.name === name &&
      Object.entries(labels).every(([label, value]) => sample.labels[label] === value),
  )?.value;
}
