import type { WriteRecord } from '../../src/apiserver/api-context.ts';
import { apiHandler } from '../../src/apiserver/api-handler.ts';
import type { ApiAnswer } from '../../src/apiserver/api-request.ts';
import { namesOfBuiltIns } from '../../src/apiserver/discovery/names-of-built-ins.ts';
import { Snapshots } from '../../src/apiserver/reads/snapshots.ts';
import { rbacAuthorizer } from '../../src/apiserver/rights/rbac-authorizer.ts';
import { rbacEscalation } from '../../src/apiserver/rights/rbac-escalation.ts';
import { authenticated, type UserInfo } from '../../src/apiserver/rights/user-info.ts';
import { meshProcesses } from '../../src/app/control-plane/mesh-processes.ts';
import { DefinedKinds } from '../../src/control/defined-kinds.ts';
import type { Happening } from '../../src/control/happenings/event-recorder.ts';
import { registryWithCustomKinds } from '../../src/resources/custom/registry-with-custom-kinds.ts';
import type { KindRegistry } from '../../src/resources/kind-registry.ts';
import { memoryStore } from '../../src/store/memory-store.ts';
import type { Store } from '../../src/store/store.ts';
import { ManualClock } from './manual-clock.ts';

export interface RigRequest {
  readonly body?: unknown;
  readonly type?: string;
  readonly accept?: string;
  readonly user?: UserInfo;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface RigAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came back
  readonly json: any;
  readonly text: string;
}

export interface ApiRig {
  readonly store: Store;
  readonly kinds: KindRegistry;
  readonly written: readonly WriteRecord[];
  readonly failures: readonly unknown[];
  readonly happenings: readonly Happening[];
  call(method: string, path: string, request?: RigRequest): Promise<RigAnswer>;
  /** Events of a watch as they come; aborting ends it. */
  watch(path: string, request?: RigRequest): RigWatch;
}

export interface RigWatch {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever came back
  readonly events: readonly any[];
  readonly buffers: readonly Buffer[];
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

export const admin: UserInfo = authenticated({ name: 'admin', groups: ['system:masters'] });

/** The resource API over a store in memory, without sockets, with two namespaces. */
export async function apiRig(): Promise<ApiRig> {
  const clock = new ManualClock(Date.UTC(2026, 0, 1));
  const store = memoryStore({ clock });
  const written: WriteRecord[] = [];
  const failures: unknown[] = [];
  const registry = registryWithCustomKinds();
  const happenings: Happening[] = [];
  const defined = new DefinedKinds({
    ...{ store, kinds: registry, clock },
    recorder: { record: (happening) => void happenings.push(happening) },
    events: { taskFailed: ({ reason }) => void failures.push(reason) },
  });
  void defined.run(new AbortController().signal);
  const authorizer = rbacAuthorizer(store);
  const handler = apiHandler({
    context: {
      store,
      kinds: registry,
      clock,
      authorizer,
      admission: [rbacEscalation(store, authorizer), namesOfBuiltIns(registry)],
      derived: meshProcesses({ store, rootNamespace: 'istio-system', startedAtMs: clock.now() }),
      snapshots: new Snapshots(clock),
      lastingNamespaces: ['default', 'istio-system'],
      written: (record) => written.push(record),
    },
    subresources: {},
    questions: {},
    failed: (error) => failures.push(error),
  });
  const answerTo = (method: string, path: string, request: RigRequest = {}): Promise<ApiAnswer> => {
    const { body, type = 'application/json', accept, user = admin, headers = {} } = request;
    const url = new URL(path, 'https://api');
    return handler({
      method,
      path: url.pathname,
      query: url.searchParams,
      headers: {
        'content-type': type,
        ...(accept === undefined ? {} : { accept }),
        'user-agent': 'rig/1.0',
        ...headers,
      },
      body: bytesOf(body),
      user,
      peerAddress: '127.0.0.1',
    });
  };
  for (const name of ['default', 'shop']) {
    const metadata = { name };
    await answerTo('POST', '/api/v1/namespaces', {
      body: { apiVersion: 'v1', kind: 'Namespace', metadata },
    });
  }
  written.length = 0;
  return {
    store,
    kinds: registry,
    written,
    failures,
    happenings,
    async call(method, path, request) {
      const answered = await answerTo(method, path, request);
      if ('stream' in answered) throw new Error(`${path} answers with a stream`);
      const text = answered.body.toString();
      const isJson = answered.headers['content-type']?.startsWith('application/json');
      return { ...answered, text, json: isJson ? JSON.parse(text) : undefined };
    },
    watch: (path, request) => watching(answerTo('GET', path, request)),
  };
}

function watching(answering: Promise<ApiAnswer>): RigWatch {
  const stopping = new AbortController();
  const events: unknown[] = [];
  const buffers: Buffer[] = [];
  const sink = {
    write(chunk: Buffer): undefined {
      buffers.push(chunk);
      events.push(JSON.parse(chunk.toString()));
    },
  };
  const ended = answering.then(async (answered) => {
    if (!('stream' in answered)) throw new Error(`no stream: ${answered.body.toString()}`);
    await answered.stream(sink, stopping.signal);
  });
  return {
    events,
    buffers,
    ended,
    async stop() {
      stopping.abort();
      await ended;
    },
  };
}

function bytesOf(body: unknown): Uint8Array {
  if (body === undefined) return new Uint8Array();
  if (body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}
