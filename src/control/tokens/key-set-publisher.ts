import { createHash } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { MeshError, messageOf } from '../../lib/errors.ts';
import type { Task } from '../../lib/tasks.ts';
import { parseUniqueJson } from '../../lib/unique-json.ts';
import { keySourceOf, keyTimeoutMs } from '../../policy/tokens/token-rules.ts';
import { qualifiedKind, storedApiVersion } from '../../resources/kind-definition.ts';
import { type JsonWebKeySet, jsonWebKeySet } from '../../resources/kinds/json-web-key-set.ts';
import {
  type RequestAuthentication,
  requestAuthentication,
} from '../../resources/kinds/request-authentication.ts';
import type { Change, Store } from '../../store/store.ts';
import type { ControlEvents } from '../control-events.ts';
import { publicKeysOf } from './public-keys.ts';

export interface KeySetPublisherOptions {
  readonly store: Pick<Store, 'list' | 'commit' | 'watch'>;
  readonly clock: Clock;
  readonly events: Pick<ControlEvents, 'taskFailed'>;
  /** The body of a GET. @throws when there is none, for whatever reason. */
  readonly get: (url: URL, timeoutMs: number) => Promise<string>;
}

/** A URL that some rule names. */
interface Source {
  readonly url: string;
  readonly discovery: boolean;
  readonly issuer: string;
  readonly timeoutMs: number;
}

interface Attempt {
  readonly dueAtMs: number;
  readonly problem: string | undefined;
}

/** As Istio's. */
const FRESH_MS = 20 * 60_000;
const RETRY_MS = 60_000;
const MOST_AT_ONCE = 8;
const RULES = qualifiedKind(requestAuthentication);
const KIND = qualifiedKind(jsonWebKeySet);

/**
 * Fetches the keys that RequestAuthentications name by URL, again every 20 minutes, and keeps them as
 * JsonWebKeySets, which agents get as facts. Those held stay while a fetch fails; a failure is told of
 * once, and tried again every minute.
 */
export function keySetPublisher(options: KeySetPublisherOptions): Task {
  const { store, clock, events } = options;
  const attempts = new Map<string, Attempt>();

  return async (signal) => {
    let wake = new AbortController();
    const following = follow(() => wake.abort(), signal);
    while (!signal.aborted) {
      wake = new AbortController();
      const dueAtMs = await publish().catch((error: unknown) => {
        events.taskFailed({ task: 'keep the keys of issuers', reason: messageOf(error) });
        return clock.elapsedMs() + RETRY_MS;
      });
      const waitMs = Math.max(dueAtMs - clock.elapsedMs(), 0);
      await clock.sleep(waitMs, AbortSignal.any([signal, wake.signal]));
    }
    await following;
  };

  async function follow(changed: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        const { version } = await store.list(RULES);
        changed();
        for await (const _ of store.watch({ fromVersion: version, kind: RULES }, signal)) changed();
      } catch (error) {
        events.taskFailed({ task: 'follow RequestAuthentications', reason: messageOf(error) });
        await clock.sleep(RETRY_MS, signal);
      }
    }
  }

  /** Returns when there is something to do again. */
  async function publish(): Promise<number> {
    const rules = (await store.list(RULES)).items as readonly RequestAuthentication[];
    const sources = sourcesOf(rules);
    const stored = (await store.list(KIND)).items as readonly JsonWebKeySet[];
    const unused = stored.filter(({ spec }) => !sources.has(spec.source));
    const gone = unused.map(
      ({ metadata: { name } }): Change => ({
        op: 'delete',
        key: { kind: KIND, name },
      }),
    );
    if (gone.length > 0) await store.commit(gone);
    for (const url of attempts.keys()) if (!sources.has(url)) attempts.delete(url);
    const due = [...sources.values()].filter(
      ({ url }) => (attempts.get(url)?.dueAtMs ?? 0) <= clock.elapsedMs(),
    );
    for (let at = 0; at < due.length; at += MOST_AT_ONCE) {
      await Promise.all(due.slice(at, at + MOST_AT_ONCE).map((source) => refresh(source, stored)));
    }
    return Math.min(
      clock.elapsedMs() + FRESH_MS,
      ...[...attempts.values()].map(({ dueAtMs }) => dueAtMs),
    );
  }

  async function refresh(source: Source, stored: readonly JsonWebKeySet[]): Promise<void> {
    const { url } = source;
    try {
      const jwks = await fetchKeys(source, options);
      const held = stored.find(({ spec }) => spec.source === url);
      if (held?.spec.jwks !== jwks) {
        await store.commit([{ op: 'put', resource: resourceOf(url, jwks) }]);
      }
      attempts.set(url, { dueAtMs: clock.elapsedMs() + FRESH_MS, problem: undefined });
    } catch (error) {
      const problem = messageOf(error);
      if (attempts.get(url)?.problem !== problem) {
        events.taskFailed({ task: `fetch the keys at ${url}`, reason: problem });
      }
      attempts.set(url, { dueAtMs: clock.elapsedMs() + RETRY_MS, problem });
    }
  }
}

function sourcesOf(rules: readonly RequestAuthentication[]): ReadonlyMap<string, Source> {
  const sources = new Map<string, Source>();
  for (const rule of rules.flatMap(({ spec }) => spec.jwtRules ?? [])) {
    const keys = keySourceOf(rule);
    if (keys.kind === 'inline') continue;
    const { url, discovery } = keys;
    sources.set(url, { url, discovery, issuer: rule.issuer ?? '', timeoutMs: keyTimeoutMs(rule) });
  }
  return sources;
}

async function fetchKeys(
  { url, discovery, issuer, timeoutMs }: Source,
  { get }: Pick<KeySetPublisherOptions, 'get'>,
): Promise<string> {
  const body = await get(urlOf(url), timeoutMs);
  if (!discovery) return publicKeysOf(body);
  const configuration = parseUniqueJson(body, {
    what: 'the OpenID configuration',
    code: 'ERR_JWT',
  });
  const { issuer: named, jwks_uri: uri } = configuration as Readonly<Record<string, unknown>>;
  if (named !== issuer || typeof uri !== 'string') {
    const reason = `the configuration at ${url} is not that of ${JSON.stringify(issuer)}, or names no jwks_uri`;
    throw new MeshError('ERR_JWT', reason);
  }
  return publicKeysOf(await get(urlOf(uri), timeoutMs));
}

function urlOf(text: string): URL {
  const url = URL.parse(text);
  if (url !== null) return url;
  throw new MeshError('ERR_WIRE', `${JSON.stringify(text.slice(0, 200))} is no URL`);
}

function resourceOf(source: string, jwks: string): JsonWebKeySet {
  return {
    apiVersion: storedApiVersion(jsonWebKeySet),
    kind: 'JsonWebKeySet',
    metadata: { name: createHash('sha256').update(source).digest('hex').slice(0, 32) },
    spec: { source, jwks },
  };
}
