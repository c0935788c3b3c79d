/** The part of `dns-packet` that is used here; the package has no types of its own. */
declare module 'dns-packet' {
  export interface Question {
    readonly name: string;
    readonly type: string;
    readonly class: string;
  }
  export interface Answer {
    readonly name: string;
    readonly type: 'A' | 'AAAA';
    readonly ttl: number;
    readonly class: 'IN';
    readonly data: string;
  }
  export interface DecodedPacket {
    readonly id: number;
    readonly type: 'query' | 'response';
    readonly opcode: string;
    readonly rcode: string;
    readonly flags: number;
    readonly questions: readonly Question[];
    readonly answers: readonly {
      readonly name: string;
      readonly type: string;
      readonly ttl?: number;
      readonly data: unknown;
    }[];
    readonly authorities: readonly unknown[];
    readonly additionals: readonly { readonly type: string; readonly udpPayloadSize?: number }[];
  }
  export interface Packet {
    readonly id: number;
    readonly type: 'query' | 'response';
    readonly flags: number;
    readonly questions: readonly Question[];
    readonly answers?: readonly Answer[];
  }
  export const AUTHORITATIVE_ANSWER: number;
  export const TRUNCATED_RESPONSE: number;
  export const RECURSION_DESIRED: number;
  export const RECURSION_AVAILABLE: number;
  export function decode(bytes: Uint8Array): DecodedPacket;
  export function encode(packet: Packet): Buffer;
}
