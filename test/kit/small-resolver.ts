import { createSocket } from 'node:dgram';
import { decode, encode, RECURSION_AVAILABLE } from 'dns-packet';

// A resolver that knows one name, as a program of its own: node small-resolver.ts ADDRESS NAME=ADDRESS
const NXDOMAIN = 3;
const PORT = 53;
const [address = '', known = ''] = process.argv.slice(2);
const [name, data = ''] = known.split('=');
const socket = createSocket('udp4');
socket.on('message', (message, from) => {
  const { id, questions } = decode(message);
  const [question] = questions;
  if (question === undefined) return;
  const isKnown = question.name.toLowerCase() === name;
  const answers =
    isKnown && question.type === 'A'
      ? [{ name: question.name, type: 'A', ttl: 1, class: 'IN', data } as const]
      : [];
  const flags = RECURSION_AVAILABLE | (isKnown ? 0 : NXDOMAIN);
  socket.send(encode({ id, type: 'response', flags, questions, answers }), from.port, from.address);
});
socket.bind(PORT, address);
