import { describe, expect, it } from 'vitest';
import { applySettings, initialPeerSettings } from './peer-settings.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

describe('applySettings', () => {
  it('changes what is named, the last of two wins, and unknown ones do nothing', () => {
    const payload = hex('0003 00000064 0004 00100000 0004 00000007 00ff 12345678 0001 00000000');
    expect(applySettings(initialPeerSettings, payload)).toEqual({
      ...{ headerTableBytes: 0, maxStreams: 100, windowBytes: 7, frameBytes: 16_384 },
    });
  });

  it.each([
    ['a cut entry', '0003 000000', 6],
    ['ENABLE_PUSH of 2', '0002 00000002', 1],
    ['a window that cannot be', '0004 80000000', 3],
    ['frames that are too small', '0005 00003fff', 1],
    ['frames that are too large', '0005 01000000', 1],
  ])('refuses %s', (_, payload, cause) => {
    expect(() => applySettings(initialPeerSettings, hex(payload))).toThrow(
      expect.objectContaining({ code: 'ERR_WIRE', cause }),
    );
  });
});
