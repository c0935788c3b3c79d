import { Setting } from '../hbone/frames/http2-codes.ts';
import { MAX_FRAME_BYTES } from '../hbone/session/own-settings.ts';
import { applySettings, initialPeerSettings } from '../hbone/session/peer-settings.ts';

const ENTRY_BYTES = 6;

/**
 * SETTINGS of one side as the other gets them. Header tables are each side's own with us, frames are no
 * larger than we read, and nothing is pushed: a promised request would not have been judged.
 *
 * @throws {MeshError} ERR_WIRE for values that cannot be.
 */
export function passedSettings(payload: Buffer, from: 'client' | 'server'): Buffer {
  applySettings(initialPeerSettings, payload);
  const entries: [number, number][] = [];
  for (let at = 0; at < payload.length; at += ENTRY_BYTES) {
    const setting = payload.readUInt16BE(at);
    const value = payload.readUInt32BE(at + 2);
    if (setting === Setting.headerTableSize || setting === Setting.enablePush) continue;
    const isFrame = setting === Setting.maxFrameSize;
    entries.push([setting, isFrame ? Math.min(value, MAX_FRAME_BYTES) : value]);
  }
  if (from === 'client') entries.push([Setting.enablePush, 0]);
  const passed = Buffer.allocUnsafe(entries.length * ENTRY_BYTES);
  entries.forEach(([setting, value], i) => {
    passed.writeUInt16BE(setting, i * ENTRY_BYTES);
    passed.writeUInt32BE(value, i * ENTRY_BYTES + 2);
  });
  return passed;
}

/** The window that streams begin with, if the payload says. */
export function initialWindowIn(payload: Buffer): number | undefined {
  let found: number | undefined;
  for (let at = 0; at + ENTRY_BYTES <= payload.length; at += ENTRY_BYTES) {
    if (payload.readUInt16BE(at) !== Setting.initialWindowSize) continue;
    found = payload.readUInt32BE(at + 2);
  }
  return found;
}
