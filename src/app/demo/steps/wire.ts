import { randomBytes } from 'node:crypto';
import { plainGet } from '../plain-get.ts';
import type { Step } from '../step.ts';

const TLS_HANDSHAKE_RECORD = 0x16;

/** What a listener between two hosts would see: everything, and nothing of it readable. */
export const wire: Step = {
  id: 'wire',
  title: 'what crosses the wire between two sidecars is unreadable',
  async run(stage, findings) {
    const marker = `marker-${randomBytes(12).toString('hex')}`;
    const before = stage.tap.recorded().length;
    const { status } = await plainGet(stage.ports.services.frontend.app, `/?note=${marker}`);
    const recorded = stage.tap.recorded();
    const passed = recorded.length - before;
    findings.note(
      `GET /?note=${marker} -> ${status}; the relay before reviews recorded ${passed} more bytes, ${recorded.length} in all`,
    );
    findings.check(
      'the request went through the relay',
      status === 200 && passed > marker.length,
      `${passed} bytes`,
    );
    const log = stage.program('reviews').log();
    const line = log.split('\n').find((text) => text.includes(marker));
    findings.check('the marker is in the log of reviews', line !== undefined, line ?? 'not there');
    findings.check(
      'the marker is nowhere on the wire',
      !recorded.includes(marker),
      `searched ${recorded.length} bytes`,
    );
    for (const text of ['HTTP/1.1', 'GET /reviews', 'fits well']) {
      findings.check(
        `"${text}" is nowhere on the wire`,
        !recorded.includes(text),
        `searched ${recorded.length} bytes`,
      );
    }
    findings.check(
      'the conversation begins as TLS',
      recorded[0] === TLS_HANDSHAKE_RECORD && recorded[1] === 0x03,
      recorded.subarray(0, 5).toString('hex'),
    );
  },
};
