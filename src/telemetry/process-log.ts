import { pino } from 'pino';
import { LogDescriptor } from './log-descriptor.ts';

export type Logger = pino.Logger;

const RETRY_MS = 1_000;

/**
 * JSON lines on stdout or another descriptor, with the time in ISO form; one logger per process. What is
 * written there `also` gets. A disk that is full stops nobody: what is logged then waits for room, as far as
 * 1 MiB goes, and the log says how many lines are missing.
 */
export function processLog(
  component: string,
  descriptor: number = 1,
  also?: (written: string) => void,
): Logger {
  const options = {
    base: { component },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (level: string) => ({ level }) },
  };
  const destination = new LogDescriptor({
    fd: descriptor,
    lost: (lines) => log.warn({ lines }, 'the log could not be written, lines are missing here'),
    later: (again) => setTimeout(again, RETRY_MS).unref(),
  });
  const log = pino(options, {
    write(line: string) {
      destination.write(line);
      also?.(line);
    },
  });
  return log;
}
