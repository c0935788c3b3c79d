import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { startFramedServer } from '../../kit/framed-server.ts';
import { peer } from '../../kit/peer.ts';

/**
 * What h2spec calls failures of a server that knows no method but CONNECT. It sends GET and POST, which
 * get 405 and nothing else, and the stream is over on our side.
 */
const NOT_OURS: readonly string[] = [
  // They wait for a body, and there is none in a 405.
  'generic/2 Sends a WINDOW_UPDATE frame on half-closed (remote) stream',
  'generic/2 Sends a PRIORITY frame on half-closed (remote) stream',
  // It sends 16 KiB and some more: we take frames of 64 KiB, and say so.
  'http2/4.2 Sends a large size HEADERS frame that exceeds the SETTINGS_MAX_FRAME_SIZE',
  // Answered at once, so never more than one is open. `hostile-peer.test.ts` has that with CONNECT.
  'http2/5.1.2 Sends HEADERS frames that causes their advertised concurrent stream limit to be exceeded',
  // A body that nobody reads is not counted. CONNECT has no content-length (RFC 9110, 9.3.6).
  'http2/8.1.2.6 Sends a HEADERS frame with the "content-length" header field which does not equal the DATA frame payload length',
  'http2/8.1.2.6 Sends a HEADERS frame with the "content-length" header field which does not equal the sum of the multiple DATA frames payload length',
];
const MIN_CASES = 140;

interface Case {
  readonly name: string;
  readonly failed: boolean;
}

/** The cases of a report in JUnit's XML. */
function casesOf(xml: string): readonly Case[] {
  const suites = xml.matchAll(
    /<testcase package="([^"]*)" classname="([^"]*)"[^>]*>(.*?)<\/testcase>/gs,
  );
  return [...suites].map(([, section = '', name = '', body = '']) => ({
    name: `${section} ${name.replaceAll('&#34;', '"').replaceAll('&quot;', '"')}`,
    failed: body.includes('<failure') || body.includes('<error'),
  }));
}

peer('h2spec', (program) => {
  it('finds nothing wrong but what a CONNECT server cannot be asked', async () => {
    await using server = await startFramedServer();
    const directory = mkdtempSync(join(tmpdir(), 'hauberk-h2spec-'));
    const report = join(directory, 'report.xml');
    const { host, port } = server.address;
    const args = ['-h', host, '-p', String(port), '-t', '-k', '--timeout', '2', '-j', report];
    await promisify(execFile)(program, args).catch(() => undefined); // 1 when anything failed
    const cases = casesOf(readFileSync(report, 'utf8'));
    rmSync(directory, { recursive: true });
    expect(cases.length).toBeGreaterThan(MIN_CASES);
    const failed = cases.filter((each) => each.failed).map(({ name }) => name);
    expect(new Set(failed)).toEqual(new Set(NOT_OURS));
  });
});
