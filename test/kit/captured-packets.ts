/** All that was sent in one direction of one TCP connection. */
export interface TcpFlow {
  readonly from: string;
  readonly to: string;
  readonly fromPort: number;
  readonly toPort: number;
  readonly bytes: Buffer;
}

const PCAP_HEADER = 24;
const PACKET_HEADER = 16;
const ETHERNET = 14;
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const TCP = 6;
const SYN = 0x02;

interface Segment {
  readonly key: string;
  readonly flow: Omit<TcpFlow, 'bytes'>;
  readonly sequence: number;
  readonly syn: boolean;
  readonly payload: Buffer;
}

/** The TCP flows of a file that `tcpdump -w` wrote on an Ethernet interface, put in order. */
export function tcpFlows(pcap: Buffer): readonly TcpFlow[] {
  const segments = new Map<string, Segment[]>();
  for (const packet of packets(pcap)) {
    const segment = tcpSegment(packet);
    if (segment !== undefined) segments.getOrInsertComputed(segment.key, () => []).push(segment);
  }
  return [...segments.values()].map((each) => {
    const [first] = each;
    if (first === undefined) throw new Error('a flow without a segment');
    return { ...first.flow, bytes: inOrder(each) };
  });
}

/** How many bytes at the start are whole TLS records; all of them, where nothing else was sent. */
export function tlsBytes(bytes: Buffer): number {
  let at = 0;
  while (at + 5 <= bytes.length) {
    const [type = 0, major = 0, minor = 0] = bytes.subarray(at);
    const length = bytes.readUInt16BE(at + 3);
    const isRecord = type >= 20 && type <= 23 && major === 3 && minor <= 3 && length <= 16_640;
    if (!isRecord || at + 5 + length > bytes.length) break;
    at += 5 + length;
  }
  return at;
}

function* packets(pcap: Buffer): Generator<Buffer> {
  let at = PCAP_HEADER;
  while (at + PACKET_HEADER <= pcap.length) {
    const length = pcap.readUInt32LE(at + 8);
    at += PACKET_HEADER;
    yield pcap.subarray(at, at + length);
    at += length;
  }
}

function tcpSegment(packet: Buffer): Segment | undefined {
  const type = packet.readUInt16BE(12);
  const ip = packet.subarray(ETHERNET);
  if (type === IPV4 && ip[9] === TCP) {
    const header = ((ip[0] ?? 0) & 0x0f) * 4;
    const tcp = ip.subarray(header, ip.readUInt16BE(2));
    return segmentOf(tcp, [...ip.subarray(12, 16)].join('.'), [...ip.subarray(16, 20)].join('.'));
  }
  if (type === IPV6 && ip[6] === TCP) {
    const tcp = ip.subarray(40, 40 + ip.readUInt16BE(4));
    return segmentOf(tcp, ip.toString('hex', 8, 24), ip.toString('hex', 24, 40));
  }
  return undefined;
}

function segmentOf(tcp: Buffer, from: string, to: string): Segment {
  const [fromPort, toPort] = [tcp.readUInt16BE(0), tcp.readUInt16BE(2)];
  const payload = tcp.subarray(((tcp[12] ?? 0) >> 4) * 4);
  const syn = ((tcp[13] ?? 0) & SYN) !== 0;
  const flow = { from, to, fromPort, toPort };
  const key = `${from} ${fromPort} ${to} ${toPort}`;
  return { key, flow, sequence: tcp.readUInt32BE(4), syn, payload };
}

/** Put together by sequence numbers; what was sent twice counts once. */
function inOrder(segments: readonly Segment[]): Buffer {
  const syn = segments.find((each) => each.syn);
  const start = syn === undefined ? segments[0]?.sequence : syn.sequence + 1;
  const placed = segments
    .filter(({ payload }) => payload.length > 0)
    .map(({ sequence, payload }) => ({ at: (sequence - (start ?? 0)) >>> 0, payload }))
    .toSorted((a, b) => a.at - b.at);
  const chunks: Buffer[] = [];
  let end = 0;
  for (const { at, payload } of placed) {
    if (at > end) break;
    const fresh = payload.subarray(end - at);
    chunks.push(fresh);
    end += fresh.length;
  }
  return Buffer.concat(chunks);
}
