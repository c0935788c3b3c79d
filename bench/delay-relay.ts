import { connect, createServer, type Socket } from 'node:net';

/**
 * `node delay-relay.ts FROM TO MILLISECONDS`: a TCP relay on the loopback that holds every byte back for
 * so long, in each direction. It stands for the way between two hosts where the kernel has no `netem`;
 * TCP's own handshakes, losses and congestion are not delayed by it.
 */
const [from = 0, to = 0, delayMs = 0] = process.argv.slice(2).map(Number);

createServer({ allowHalfOpen: true, noDelay: true }, (near) => {
  const far = connect({ ...{ host: '127.0.0.1', port: to }, allowHalfOpen: true, noDelay: true });
  carry(near, far);
  carry(far, near);
}).listen({ host: '127.0.0.1', port: from, backlog: 4096 });

/** In order, since all timers are of one length. */
function carry(source: Socket, destination: Socket): void {
  source.on('data', (chunk) => setTimeout(() => destination.write(chunk), delayMs));
  source.on('end', () => setTimeout(() => destination.end(), delayMs));
  source.on('error', () => destination.destroy());
  source.on('close', () => setTimeout(() => destination.destroy(), delayMs));
}
