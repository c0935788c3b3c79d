import { createSocket } from 'node:dgram';
import { setTimeout as delay } from 'node:timers/promises';
import { decode, encode } from 'dns-packet';

// A program that asks for one name by UDP and prints how often each answer came:
// node dns-client.ts SERVER NAME PORT           once, from that port
// node dns-client.ts SERVER NAME stream         all the time, each from a port of its own, until SIGTERM
const PORT = 53;
const RECURSION_DESIRED = 0x100;
const PATIENCE_MS = 4_000;
// Seldom enough that a queue holds what comes while a busy machine lets a sidecar wait.
const PAUSE_MS = 10;
const [server = '', name = '', how = ''] = process.argv.slice(2);
const answers: Record<string, number> = {};

function ask(id: number, from: number): Promise<void> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    const done = (answer: string): void => {
      answers[answer] = (answers[answer] ?? 0) + 1;
      clearTimeout(timer);
      socket.close();
      resolve();
    };
    const timer = setTimeout(done, PATIENCE_MS, 'none');
    socket.on('error', ({ message }) => done(message));
    socket.on('message', (message) => {
      const { rcode, answers: found } = decode(message);
      const [first] = found;
      done(first === undefined ? rcode : String(first.data));
    });
    const questions = [{ name, type: 'A', class: 'IN' }];
    const query = encode({ id, type: 'query', flags: RECURSION_DESIRED, questions });
    socket.bind(from, () => socket.send(query, PORT, server));
  });
}

if (how === 'stream') {
  const asked: Promise<void>[] = [];
  let going = true;
  process.on('SIGTERM', () => {
    going = false;
  });
  for (let id = 1; going; id = (id + 1) % 0x1_0000) {
    asked.push(ask(id, 0));
    if (asked.length === 1) process.stderr.write('asking\n');
    await delay(PAUSE_MS);
  }
  await Promise.all(asked);
} else {
  await ask(1, Number(how));
}
process.stdout.write(`${JSON.stringify(answers)}\n`);
