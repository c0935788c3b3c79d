import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MeshError } from '../../lib/errors.ts';
import { parseCheckQuestions } from './parse-check-questions.ts';

const destination = { namespace: 'shop', labels: { app: 'a' }, port: 80 };

describe('questions', () => {
  it.each([
    JSON.stringify({ destination }),
    JSON.stringify([{ destination }]),
    `${JSON.stringify({ destination })}\n`,
  ])('are read from %s', (text) => {
    expect(parseCheckQuestions(text, 'q.json')).toMatchObject([{ destination }]);
  });

  it('are read one a line', () => {
    const text = `${JSON.stringify({ destination })}\n\n${JSON.stringify({ destination })}\n`;
    expect(parseCheckQuestions(text, 'q.json')).toHaveLength(2);
  });

  it('may write ports as text, headers as lists, and null for nothing', () => {
    const http = { method: null, headers: { 'X-A': ['1', '2'] } };
    const [question] = parseCheckQuestions(
      JSON.stringify({ source: null, destination: { ...destination, port: '8080' }, http }),
      'q.json',
    );
    expect(question?.destination.port).toBe(8080);
    expect(question?.http).toEqual({
      method: undefined,
      path: undefined,
      host: undefined,
      headers: { 'x-a': '1,2' },
    });
  });

  it.each<[unknown, string]>([
    [[], 'q.json: has no request in it'],
    [{}, 'q.json: request 1: destination: is required'],
    [[{ destination }, 7], 'q.json: request 2: must be an object'],
    [{ destination: {} }, 'q.json: request 1: destination.namespace: is required'],
    [
      { destination: { ...destination, prot: 1 } },
      'q.json: request 1: destination.prot: is no field; there are namespace, workload, labels, port, ip, protocol',
    ],
    [
      { destination: { ...destination, port: 70_000 } },
      'q.json: request 1: destination.port: must be a port, a number up to 65535',
    ],
    [
      { destination, source: { ip: '10.0.0' } },
      'q.json: request 1: source.ip: "10.0.0" is not an IP address',
    ],
    [
      { destination, http: { headers: { a: 1 } } },
      'q.json: request 1: http.headers[a]: must be a string',
    ],
    [
      { destination, jwt: [] },
      'q.json: request 1: jwt: must be a token or an object with its claims',
    ],
  ])('%j are refused', (value, message) => {
    expect(() => parseCheckQuestions(JSON.stringify(value), 'q.json')).toThrow(message);
  });

  it('names the line that is not JSON', () => {
    const text = `${JSON.stringify({ destination })}\n{`;
    expect(() => parseCheckQuestions(text, 'q.json')).toThrow('line 2 is not JSON');
  });

  it('are questions or a sentence, whatever the text is', () => {
    const texts = fc.oneof(
      fc.string(),
      fc.json(),
      fc.array(fc.json()).map((all) => all.join('\n')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        try {
          parseCheckQuestions(text, 'q.json');
        } catch (error) {
          expect(MeshError.is(error, 'ERR_USAGE')).toBe(true);
          expect((error as Error).message).toMatch(/^q\.json: /);
        }
      }),
    );
  });
});
