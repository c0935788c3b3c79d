import type { Clock } from '../../lib/clock.ts';
import type { ExtensionProvider } from '../../policy/extension-provider.ts';
import type { RequestBody } from './request-body.ts';

/** What a provider is shown of a body. */
export interface CheckedBody {
  readonly bytes: Buffer;
  /** Whether there is more of it. */
  readonly partial: boolean;
}

export type BodyForCheck =
  | { readonly body: CheckedBody | undefined }
  /** It cannot be shown. */
  | { readonly status: number; readonly reason: string };

/** Of one request, whatever the settings of a provider say. */
const MOST_BYTES = 1024 * 1024;
const MOST_WAIT_MS = 60_000;
const BAD_REQUEST = 400;
const TIMEOUT = 408;
const TOO_LARGE = 413;

/** Waits for as much of a body as the provider of a CUSTOM policy wants to see (Envoy's ext_authz). */
export async function bodyForCheck(
  body: RequestBody,
  { includeRequestBodyInCheck: wanted }: ExtensionProvider,
  clock: Clock,
): Promise<BodyForCheck> {
  if (wanted === undefined || wanted.maxRequestBytes === 0) return { body: undefined };
  const most = Math.min(wanted.maxRequestBytes, MOST_BYTES);
  const tooLarge = { status: TOO_LARGE, reason: `the body has more than ${most} bytes` };
  if (!wanted.allowPartialMessage && (body.length ?? 0) > most) return tooLarge;
  const waiting = new AbortController();
  const late = clock.sleep(MOST_WAIT_MS, waiting.signal).then(
    () => 'late' as const,
    () => undefined,
  );
  const peeked = await Promise.race([body.peek(most, !wanted.allowPartialMessage), late]);
  waiting.abort();
  if (peeked === 'late') return { status: TIMEOUT, reason: 'the body did not come in time' };
  if (peeked === undefined) return { status: BAD_REQUEST, reason: 'the body broke off' };
  if (!peeked.whole && !wanted.allowPartialMessage) return tooLarge;
  return { body: { bytes: peeked.bytes, partial: !peeked.whole } };
}
