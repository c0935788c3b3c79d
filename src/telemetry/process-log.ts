import { pino } from 'pino';

export type Logger = pino.Logger;

/** JSON lines on stdout or another descriptor, with the time in ISO form; one logger per process. */
export function processLog(component: string, descriptor: number = 1): Logger {
  const options = {
    base: { component },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (level: string) => ({ level }) },
  };
  return pino(options, pino.destination({ fd: descriptor, sync: true }));
}
