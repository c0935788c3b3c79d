import { decode, RECURSION_DESIRED } from 'dns-packet';

/** A query of one question, as a program sends it. */
export interface DnsQuery {
  readonly id: number;
  readonly recursionDesired: boolean;
  readonly name: string;
  /** `A`, `AAAA`, `MX`, or whatever was asked for. */
  readonly type: string;
  /** `IN`, or another class that nobody uses. */
  readonly class: string;
  /** How long an answer by UDP may be, in bytes. */
  readonly maxUdpBytes: number;
}

/** What came: a query, something that is to be answered by an error, or what must not be answered. */
export type ReadQuery =
  | { readonly query: DnsQuery }
  | { readonly refuse: 'FORMERR' | 'NOTIMP' }
  | { readonly ignore: string };

const HEADER_BYTES = 12;
const QUERY_OPCODE = 0;
const SMALLEST_UDP = 512;
const LARGEST_UDP = 4_096;

/** Reads what a program sent; hostile bytes included. An answer is never answered: that would go on for ever. */
export function readQuery(bytes: Buffer): ReadQuery {
  if (bytes.length < HEADER_BYTES) return { ignore: 'shorter than a header' };
  const flags = bytes.readUInt16BE(2);
  if ((flags & 0x8000) !== 0) return { ignore: 'an answer that nobody asked for' };
  if (((flags >> 11) & 0xf) !== QUERY_OPCODE) return { refuse: 'NOTIMP' };
  const [questions, answers] = [bytes.readUInt16BE(4), bytes.readUInt16BE(6)];
  if (questions !== 1 || answers !== 0) return { refuse: 'FORMERR' };
  try {
    const {
      id,
      questions: [question],
      additionals,
    } = decode(bytes);
    if (question === undefined) return { refuse: 'FORMERR' };
    const offered = additionals.find(({ type }) => type === 'OPT')?.udpPayloadSize ?? SMALLEST_UDP;
    const maxUdpBytes = Math.min(Math.max(offered, SMALLEST_UDP), LARGEST_UDP);
    const recursionDesired = (flags & RECURSION_DESIRED) !== 0;
    return { query: { ...question, id, recursionDesired, maxUdpBytes } };
  } catch {
    return { refuse: 'FORMERR' };
  }
}
