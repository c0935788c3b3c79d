import type { StartPair } from './pair-kind.ts';

/** The application without sidecars: what all pairs are paid on top of. */
export const noPair: StartPair = (stage) =>
  Promise.resolve({
    name: 'direct',
    port: stage.application.port,
    ...{ tlsPort: undefined, client: undefined, caller: undefined, callee: undefined },
  });
