import { pino } from 'pino';

export type Logger = pino.Logger;

/**
 * JSON lines on stdout or another descriptor, with the time in ISO form; one logger per process. What is
 * written there `also` gets.
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
  const destination = pino.destination({ fd: descriptor, sync: true });
  if (also === undefined) return pino(options, destination);
  return pino(options, {
    write(line: string) {
      destination.write(line);
      also(line);
    },
  });
}
