import { connect } from 'node:net';
import { systemClock } from '../../src/lib/clock.ts';
import { SilentPeers } from '../../src/proxy/guards/silent-peers.ts';

/**
 * A program for a host of its own: `HOST PORT PATIENCE_MS`. It writes to HOST as much as goes, looks after the
 * connection, and prints `open` and, once it is cut, why.
 */
const [host = '', port = '', patienceMs = ''] = process.argv.slice(2);
const peers = new SilentPeers(systemClock, Number(patienceMs));
const socket = connect(Number(port), host, () => {
  console.log('open');
  peers.watch(socket);
  const write = (): void => {
    while (socket.write(Buffer.alloc(65_536)));
  };
  socket.on('drain', write);
  write();
});
socket.on('error', ({ message }) => console.log(message));
socket.once('close', () => process.exit());
for (;;) {
  await new Promise((resolve) => setTimeout(resolve, 50));
  await peers.look();
}
