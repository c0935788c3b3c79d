import { expect, it } from 'vitest';
import { answerHealth, type HealthCheck } from './health-checks.ts';

const good: HealthCheck = { name: 'store', problem: () => undefined };
const bad: HealthCheck = { name: 'signing', problem: () => 'expired at noon' };
const broken: HealthCheck = {
  name: 'broken',
  problem: () => {
    throw new Error('no way to know');
  },
};

function ask(url: string, ...checks: readonly HealthCheck[]) {
  const { pathname: path, searchParams: query } = new URL(url, 'https://plane');
  const answer = answerHealth({ path, query }, checks);
  return answer && { status: answer.status, body: 'body' in answer ? answer.body : undefined };
}

it.each([
  ['/readyz', 200, 'ok'],
  ['/livez', 200, 'ok'],
  ['/healthz', 200, 'ok'],
  ['/readyz?verbose', 200, '[+]ping ok\n[+]store ok\nreadyz check passed\n'],
  ['/livez?verbose=true', 200, '[+]ping ok\nlivez check passed\n'],
  ['/readyz/store', 200, 'ok'],
  ['/readyz/ping', 200, 'ok'],
])('answers %s where all is well', (url, status, body) => {
  expect(ask(url, good)).toEqual({ status, body });
});

it('lists every check where one fails, without the reason', () => {
  const lines = ['[+]ping ok', '[+]store ok', '[-]signing failed: reason withheld'];
  const body = [...lines, '[-]broken failed: reason withheld', 'readyz check failed', ''].join(
    '\n',
  );
  expect(ask('/readyz', good, bad, broken)).toEqual({ status: 500, body });
  expect(ask('/readyz/signing', good, bad)).toMatchObject({ status: 500 });
  expect(ask('/readyz/store', good, bad)).toMatchObject({ status: 200 });
});

it('is alive though it is not ready: nothing of that is mended by a restart', () => {
  expect(ask('/livez', bad)).toEqual({ status: 200, body: 'ok' });
});

it('leaves out what is excluded, and names what cannot be', () => {
  expect(ask('/readyz?exclude=signing', good, bad)).toEqual({ status: 200, body: 'ok' });
  expect(ask('/readyz?verbose&exclude=signing&exclude=etcd', bad)?.body).toBe(
    '[+]ping ok\n[+]signing excluded: ok\nwarn: some health checks cannot be excluded: no matches for "etcd"\nreadyz check passed\n',
  );
});

it.each(['/readyz/nobody', '/readyz/store/more', '/ready', '/'])('does not know %s', (url) => {
  expect(ask(url, good)).toBeUndefined();
});
