import { pino } from 'pino';
import { writeNow } from '../lib/write-now.ts';
import { LogOutput, type LostLines } from './log-output.ts';

export type Logger = pino.Logger;

/**
 * JSON lines on stdout or another descriptor, with the time in ISO form; one logger per process. What is
 * written there `also` gets. Nobody waits for who reads the log (`LogOutput`).
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
  const lostLine = (lost: LostLines): string => {
    const time = new Date().toISOString();
    return `${JSON.stringify({ level: 'error', time, component, ...lost, msg: 'lines of this log are lost' })}\n`;
  };
  const output = new LogOutput({ writeNow: writeNow(descriptor), lostLine });
  return pino(options, {
    write(line: string) {
      output.write(line);
      also?.(line);
    },
  });
}
