import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { runHindered } from '../../test/kit/hindered.ts';

const SCRIPT = `
import { openSync, readFileSync, rmSync } from 'node:fs';
import { processLog } from ${JSON.stringify(new URL('./process-log.ts', import.meta.url).href)};
const [, directory] = process.argv;
let also = 0;
const log = processLog('test', openSync(directory + '/log', 'a'), () => { also += 1; });
log.info('while it is full');
log.info('still full');
rmSync(directory + '/filler');
log.info('when there is room');
const lines = readFileSync(directory + '/log', 'utf8').trimEnd().split('\\n');
console.log(JSON.stringify({ also, messages: lines.map((line) => JSON.parse(line).msg) }));
`;

it('stops nobody on a full disk, and writes the lines when there is room', () => {
  const directory = mkdtempSync(join(tmpdir(), 'hauberk-log-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const command = [process.execPath, '--input-type=module', '-e', SCRIPT, directory];
  const { code, stdout, stderr } = runHindered('full disk', directory, command);
  expect(stderr).toBe('');
  expect(code).toBe(0);
  const messages = ['while it is full', 'still full', 'when there is room'];
  expect(JSON.parse(stdout)).toEqual({ also: 3, messages });
});
