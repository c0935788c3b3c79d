import {
  type Answer,
  AUTHORITATIVE_ANSWER,
  encode,
  RECURSION_AVAILABLE,
  RECURSION_DESIRED,
  TRUNCATED_RESPONSE,
} from 'dns-packet';
import type { MeshName } from '../../../policy/upstream/mesh-directory.ts';
import type { DnsQuery } from './read-query.ts';

/** Istio's: short, for what is behind a name may change. */
const TTL_SECONDS = 30;
const HEADER_BYTES = 12;
const RCODES = { FORMERR: 1, SERVFAIL: 2, NOTIMP: 4 } as const;

/** What an answer of the mesh depends on beside the query. */
export interface AnswerOptions {
  /** Whether programs of this host can use IPv6 at all; where not, a name has no such address. */
  readonly ipv6: boolean;
  /** How long the answer may be, in bytes; a longer one is marked as cut off, and is asked for by TCP. */
  readonly maxBytes: number;
}

/**
 * The mesh's own answer to a query for one of its names. Of types that it has nothing of, the answer is
 * empty: the name is there.
 */
export function answerQuery(query: DnsQuery, name: MeshName, options: AnswerOptions): Buffer {
  const { id, type } = query;
  const flags = AUTHORITATIVE_ANSWER | commonFlags(query);
  const questions = [{ name: query.name, type, class: query.class }];
  const whole = { id, type: 'response', flags, questions } as const;
  const bytes = encode({ ...whole, answers: answersTo(query, name, options.ipv6) });
  if (bytes.length <= options.maxBytes) return bytes;
  return encode({ ...whole, flags: flags | TRUNCATED_RESPONSE });
}

/** The answer to a query that nobody could answer. */
export function failQuery(query: DnsQuery): Buffer {
  const { id, name, type, class: of } = query;
  const flags = commonFlags(query) | RCODES.SERVFAIL;
  return encode({ id, type: 'response', flags, questions: [{ name, type, class: of }] });
}

/** The answer to a message that is no query: its number, and what was wrong. */
export function refuseMessage(message: Buffer, rcode: 'FORMERR' | 'NOTIMP'): Buffer {
  const reply = Buffer.alloc(HEADER_BYTES);
  message.copy(reply, 0, 0, 2);
  const opcodeAndRecursion = message.readUInt16BE(2) & 0x7900;
  reply.writeUInt16BE(0x8000 | opcodeAndRecursion | RCODES[rcode], 2);
  return reply;
}

function commonFlags({ recursionDesired }: DnsQuery): number {
  return RECURSION_AVAILABLE | (recursionDesired ? RECURSION_DESIRED : 0);
}

function answersTo(query: DnsQuery, { ipv4, ipv6 }: MeshName, hasIpv6: boolean): readonly Answer[] {
  const of = (type: Answer['type'], addresses: readonly string[]): readonly Answer[] =>
    query.class === 'IN' && (query.type === type || query.type === 'ANY')
      ? addresses.map((data) => ({ name: query.name, type, ttl: TTL_SECONDS, class: 'IN', data }))
      : [];
  return [...of('A', ipv4), ...of('AAAA', hasIpv6 ? ipv6 : [])];
}
