import { pino } from 'pino';

export type Logger = pino.Logger;

/** JSON lines on stdout, with the time in ISO form; one logger per process. */
export function processLog(component: string): Logger {
  return pino({
    base: { component },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (level) => ({ level }) },
  });
}
