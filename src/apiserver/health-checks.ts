import { type ApiAnswer, type ApiRequest, textAnswer } from './api-request.ts';

/** Something that must be well for this process to be of use. */
export interface HealthCheck {
  /** As it stands in `/readyz?verbose`: lower case, hyphens. */
  readonly name: string;
  /** What is wrong, for operators; undefined when nothing is. */
  problem(): string | undefined;
}

/** That it answers at all. */
const PING: HealthCheck = { name: 'ping', problem: () => undefined };
const ENDPOINTS = ['healthz', 'livez', 'readyz'] as const;

/**
 * Answers `/healthz`, `/livez`, `/readyz` and `/readyz/<check>` in Kubernetes' form: `ok`, or a line for each check with
 * `verbose` and where one fails, then with 500; `exclude=<check>` leaves one out. What is wrong is not told here, where
 * everybody may ask. Undefined for another path.
 *
 * @param ready what `/readyz` looks at beside the process itself; nothing of it is mended by a restart.
 */
export function answerHealth(
  { path, query }: Pick<ApiRequest, 'path' | 'query'>,
  ready: readonly HealthCheck[],
): ApiAnswer | undefined {
  const [, name = '', one, ...more] = path.replace(/\/$/, '').split('/');
  const endpoint = ENDPOINTS.find((each) => each === name);
  if (endpoint === undefined || more.length > 0) return undefined;
  const checks = endpoint === 'readyz' ? [PING, ...ready] : [PING];
  if (one === undefined) return answerAll(endpoint, checks, query);
  const check = checks.find((each) => each.name === one);
  if (check === undefined) return undefined;
  return isWell(check)
    ? plain('ok')
    : plain(`internal server error: ${check.name}: reason withheld\n`, 500);
}

function answerAll(
  endpoint: string,
  checks: readonly HealthCheck[],
  query: URLSearchParams,
): ApiAnswer {
  const excluded = query.getAll('exclude');
  const looked = checks.map((check) => {
    if (excluded.includes(check.name)) return { line: `[+]${check.name} excluded: ok`, well: true };
    const well = isWell(check);
    return {
      line: well ? `[+]${check.name} ok` : `[-]${check.name} failed: reason withheld`,
      well,
    };
  });
  const well = looked.every((each) => each.well);
  if (well && !query.has('verbose')) return plain('ok');
  const unknown = excluded.filter((name) => !checks.some((check) => check.name === name));
  const lines = [
    ...looked.map(({ line }) => line),
    ...(unknown.length === 0
      ? []
      : [
          `warn: some health checks cannot be excluded: no matches for ${unknown.map((name) => JSON.stringify(name)).join(',')}`,
        ]),
    `${endpoint} check ${well ? 'passed' : 'failed'}`,
  ];
  return plain(`${lines.join('\n')}\n`, well ? 200 : 500);
}

/** One that cannot be asked is not well. */
function isWell(check: HealthCheck): boolean {
  try {
    return check.problem() === undefined;
  } catch {
    return false;
  }
}

function plain(body: string, status = 200): ApiAnswer {
  const answer = textAnswer(body, status);
  return { ...answer, headers: { ...answer.headers, 'x-content-type-options': 'nosniff' } };
}
