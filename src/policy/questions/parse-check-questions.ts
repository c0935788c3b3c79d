import { MeshError } from '../../lib/errors.ts';
import { parseIp } from '../parse-ip.ts';
import { quote } from '../quote.ts';
import type { CheckQuestion } from './check-question.ts';

type Fields = Readonly<Record<string, unknown>>;

const MOST_QUESTIONS = 100_000;
const LONGEST_TEXT = 64 * 1024;
const MOST_ENTRIES = 1_000;

/**
 * The questions in a JSON text: one, a list of them, or one a line. All or nothing.
 *
 * @throws {MeshError} ERR_USAGE with the number of the question, from 1, and its field.
 */
export function parseCheckQuestions(text: string, source: string): readonly CheckQuestion[] {
  const values = jsonValues(text, source);
  if (values.length === 0) throw refusal(source, 'has no request in it');
  if (values.length > MOST_QUESTIONS) {
    throw refusal(source, `has more than ${MOST_QUESTIONS} requests; split it into several files`);
  }
  return values.map((value, index) => {
    const read = new Reader();
    const question = read.question(value);
    if (read.problem === undefined) return question;
    throw refusal(source, `request ${index + 1}: ${read.problem}`);
  });
}

function jsonValues(text: string, source: string): readonly unknown[] {
  const whole = parsed(text);
  if (whole !== undefined) return Array.isArray(whole) ? whole : [whole];
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.map((line, index) => {
    const value = parsed(line);
    if (value !== undefined) return value;
    throw refusal(source, `line ${index + 1} is not JSON; give one request, a list, or one a line`);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(source: string, problem: string): MeshError {
  return new MeshError('ERR_USAGE', `${source}: ${problem}`);
}

const FIELDS = {
  '': ['source', 'destination', 'http', 'jwt', 'sni'],
  source: ['principal', 'namespace', 'ip', 'labels'],
  destination: ['namespace', 'workload', 'labels', 'port', 'ip', 'protocol'],
  http: ['method', 'path', 'host', 'headers'],
} as const;

/** Reads one question and keeps the first problem. */
class Reader {
  problem: string | undefined;

  question(value: unknown): CheckQuestion {
    const top = this.#object(value, '') ?? {};
    const source = this.#object(top['source'] ?? {}, 'source') ?? {};
    const destination = this.#object(top['destination'], 'destination') ?? {};
    const http = this.#absent(top['http']) ? undefined : this.#object(top['http'], 'http');
    return {
      source: {
        principal: this.#text(source, 'source', 'principal'),
        namespace: this.#text(source, 'source', 'namespace'),
        ip: this.#address(source, 'source'),
        labels: this.#texts(source, 'source', 'labels'),
      },
      destination: {
        namespace: this.#required(destination, 'destination', 'namespace'),
        workload: this.#text(destination, 'destination', 'workload'),
        labels: this.#texts(destination, 'destination', 'labels'),
        port: this.#port(destination),
        ip: this.#address(destination, 'destination'),
        protocol: this.#text(destination, 'destination', 'protocol'),
      },
      http: http && {
        method: this.#text(http, 'http', 'method'),
        path: this.#text(http, 'http', 'path'),
        host: this.#text(http, 'http', 'host'),
        headers: this.#headers(http),
      },
      jwt: this.#token(top['jwt']),
      sni: this.#text(top, '', 'sni'),
    };
  }

  #absent(value: unknown): boolean {
    return value === undefined || value === null;
  }

  #refuse(field: string, message: string): undefined {
    this.problem ??= field === '' ? message : `${field}: ${message}`;
    return undefined;
  }

  #object(value: unknown, at: keyof typeof FIELDS): Fields | undefined {
    if (this.#absent(value)) return this.#refuse(at, 'is required');
    if (!isFields(value)) return this.#refuse(at, 'must be an object');
    const known: readonly string[] = FIELDS[at];
    const unknown = Object.keys(value).find((key) => !known.includes(key));
    if (unknown === undefined) return value;
    const field = at === '' ? unknown : `${at}.${unknown}`;
    return this.#refuse(field.slice(0, 100), `is no field; there are ${known.join(', ')}`);
  }

  #text(fields: Fields, at: string, name: string): string | undefined {
    const value = fields[name];
    const field = at === '' ? name : `${at}.${name}`;
    if (this.#absent(value)) return undefined;
    if (typeof value !== 'string') return this.#refuse(field, 'must be a string');
    return value.length > LONGEST_TEXT
      ? this.#refuse(field, `has more than ${LONGEST_TEXT} characters`)
      : value;
  }

  #required(fields: Fields, at: string, name: string): string {
    const value = this.#text(fields, at, name) ?? '';
    if (value === '') this.#refuse(`${at}.${name}`, 'is required');
    return value;
  }

  #address(fields: Fields, at: string): string | undefined {
    const value = this.#text(fields, at, 'ip');
    if (value === undefined || value === '' || parseIp(value) !== undefined) return value;
    return this.#refuse(`${at}.ip`, `${quote(value)} is not an IP address`);
  }

  #port(fields: Fields): number | undefined {
    const { port } = fields;
    if (this.#absent(port)) return undefined;
    const number = typeof port === 'string' && /^\d{1,5}$/.test(port) ? Number(port) : port;
    return Number.isInteger(number) && Number(number) >= 0 && Number(number) <= 65_535
      ? Number(number)
      : this.#refuse('destination.port', 'must be a port, a number up to 65535');
  }

  #texts(fields: Fields, at: string, name: string): Readonly<Record<string, string>> | undefined {
    const value = fields[name];
    if (this.#absent(value)) return undefined;
    const field = `${at}.${name}`;
    if (!isFields(value)) return this.#refuse(field, 'must be an object of strings');
    const entries = Object.entries(value);
    if (entries.length > MOST_ENTRIES) {
      return this.#refuse(field, `has more than ${MOST_ENTRIES} entries`);
    }
    const wrong = entries.find(([, each]) => typeof each !== 'string');
    if (wrong !== undefined) {
      return this.#refuse(`${field}[${wrong[0].slice(0, 100)}]`, 'must be a string');
    }
    return value as Readonly<Record<string, string>>;
  }

  #headers(http: Fields): Readonly<Record<string, string>> | undefined {
    const { headers } = http;
    if (!isFields(headers)) return this.#texts(http, 'http', 'headers');
    const joined = Object.entries(headers).map(([name, value]): [string, unknown] => [
      name.toLowerCase(),
      Array.isArray(value) && value.every((each) => typeof each === 'string')
        ? value.join(',')
        : value,
    ]);
    return this.#texts({ headers: Object.fromEntries(joined) }, 'http', 'headers');
  }

  #token(jwt: unknown): CheckQuestion['jwt'] {
    if (this.#absent(jwt)) return undefined;
    if (typeof jwt === 'string') return this.#text({ jwt }, '', 'jwt');
    return isFields(jwt)
      ? jwt
      : this.#refuse('jwt', 'must be a token or an object with its claims');
  }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
