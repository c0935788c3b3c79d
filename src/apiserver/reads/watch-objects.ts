import { keyOf, type Resource } from '../../resources/resource.ts';
import type { StoreEvent } from '../../store/store.ts';
import type { ApiContext, DerivedSource } from '../api-context.ts';
import type { ApiAnswer, StreamSink } from '../api-request.ts';
import { type ResourceCall, wholeNumber } from '../resource-call.ts';
import { tooLarge, wishedVersion } from '../resource-version.ts';
import { badRequest, statusOf } from '../status-error.ts';
import { isTrue } from '../writes/write-options.ts';
import { type ObjectQuery, objectQuery } from './object-query.ts';
import { present } from './read-objects.ts';
import { chooseRepresentation, contentTypeOf, type Representation } from './representation.ts';
import { bookmarkFrame, errorFrame, eventFrame, type WatchEventType } from './watch-frame.ts';

const BOOKMARK_MS = 60_000;
/** A watch ends by itself between these, so that not all begin again at once. */
const SHORTEST_MS = 30 * 60_000;
const LONGEST_MS = 60 * 60_000;

interface Watch {
  readonly call: ResourceCall;
  readonly context: ApiContext;
  readonly query: ObjectQuery;
  readonly representation: Representation;
  readonly bookmarks: boolean;
  /** Whether the objects that are there come first. */
  readonly initial: boolean;
  /** Whether the end of those is said. */
  readonly markInitial: boolean;
  readonly from: number;
  /** What is followed, and how it is seen. */
  readonly source: DerivedSource;
  readonly lastsMs: number;
}

/** GET of a collection with `watch`: what changes, as it changes. */
export async function watchObjects(call: ResourceCall, context: ApiContext): Promise<ApiAnswer> {
  const watch = readWatch(call, context);
  return {
    status: 200,
    headers: { 'content-type': contentTypeOf(watch.representation, true) },
    stream: (sink, signal) => runWatch(watch, sink, signal),
  };
}

function readWatch(call: ResourceCall, context: ApiContext): Watch {
  const { query: parameters, headers } = call.request;
  const wished = wishedVersion(call.request);
  const { version } = context.store;
  const sendInitial = parameters.get('sendInitialEvents');
  if (sendInitial !== null && parameters.get('resourceVersionMatch') !== 'NotOlderThan') {
    throw badRequest(
      'resourceVersionMatch: Forbidden: sendInitialEvents requires resourceVersionMatch "NotOlderThan"',
    );
  }
  if (wished.version !== 'newest' && wished.version > version) {
    throw tooLarge(wished.version, version);
  }
  const timeout = wholeNumber(parameters, 'timeoutSeconds');
  const initial = sendInitial === null ? wished.version === 'newest' : isTrue(sendInitial);
  const bookmarks = isTrue(parameters.get('allowWatchBookmarks'));
  return {
    call,
    context,
    query: objectQuery(call),
    source: context.derived.source(call.definition) ?? { kind: call.kind, view: (same) => same },
    representation: chooseRepresentation(headers['accept'], true),
    bookmarks,
    initial,
    markInitial: bookmarks && isTrue(sendInitial),
    from: wished.version === 'newest' ? version : wished.version,
    lastsMs:
      timeout === undefined || timeout === 0
        ? SHORTEST_MS + Math.random() * (LONGEST_MS - SHORTEST_MS)
        : timeout * 1_000,
  };
}

async function runWatch(watch: Watch, sink: StreamSink, aborted: AbortSignal): Promise<void> {
  const { call, context, representation, bookmarks } = watch;
  const ended = new AbortController();
  const signal = AbortSignal.any([aborted, ended.signal]);
  const timer = setTimeout(() => ended.abort(), Math.min(watch.lastsMs, 2 ** 31 - 1));
  let idle = false;
  const mark = (): void => {
    // Between turns of the loop an idle watch has seen every commit there is.
    if (!idle) return;
    const frame = bookmarkFrame(context.store.version, { call, representation, initialEnd: false });
    attempt(sink, frame, () => ended.abort());
  };
  const ticking = bookmarks ? setInterval(mark, BOOKMARK_MS) : undefined;
  try {
    const from = watch.initial ? await sendInitial(watch, sink) : watch.from;
    idle = true;
    const { kind } = watch.source;
    for await (const event of context.store.watch({ kind, fromVersion: from }, signal)) {
      idle = false;
      await sendEvent(event, watch, sink);
      idle = true;
    }
    if (bookmarks && !aborted.aborted) mark();
  } catch (error) {
    if (!signal.aborted) await sink.write(errorFrame(statusOf(error)));
  } finally {
    clearTimeout(timer);
    clearInterval(ticking);
  }
}

/** Writes outside of the loop that reads the log: a reader who has gone ends the watch, and nothing else. */
function attempt(sink: StreamSink, frame: Buffer, failed: () => void): void {
  try {
    sink.write(frame)?.catch(failed);
  } catch {
    failed();
  }
}

/** Sends what there is; returns the version that it is of. */
async function sendInitial(watch: Watch, sink: StreamSink): Promise<number> {
  const { call, context, query, representation } = watch;
  const { items, version } = await present(call, query, context);
  for (const item of items) {
    if (query.matches(item)) await sink.write(eventFrame('ADDED', item, watch));
  }
  if (watch.markInitial) {
    await sink.write(bookmarkFrame(version, { call, representation, initialEnd: true }));
  }
  return version;
}

async function sendEvent(event: StoreEvent, watch: Watch, sink: StreamSink): Promise<void> {
  const type = await typeFor(event, watch);
  if (type === undefined) return;
  const waiting = sink.write(eventFrame(type, watch.source.view(event.resource), watch));
  if (waiting !== undefined) await waiting;
}

/** An object that begins or ceases to match comes and goes for who watches by selector. */
async function typeFor(
  { type, resource }: StoreEvent,
  { query, context, source }: Watch,
): Promise<WatchEventType | undefined> {
  const matches = query.matches(source.view(resource));
  if (type !== 'MODIFIED' || !query.selects) return matches ? type : undefined;
  const before = await previous(resource, context);
  const matched = before === undefined || query.matches(source.view(before));
  if (matches) return matched ? 'MODIFIED' : 'ADDED';
  return matched ? 'DELETED' : undefined;
}

const predecessors = new WeakMap<Resource, Promise<Resource | undefined>>();

/** The object before this version of it, looked up once for all watchers. */
function previous(resource: Resource, { store }: ApiContext): Promise<Resource | undefined> {
  const known = predecessors.get(resource);
  if (known !== undefined) return known;
  const found = store.previous(keyOf(resource), Number(resource.metadata.resourceVersion));
  predecessors.set(resource, found);
  return found;
}
