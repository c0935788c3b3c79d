import { Setting } from '../frames/http2-codes.ts';

/** Bytes of one stream that may be on the way unread. */
export const STREAM_WINDOW_BYTES: number = 1024 * 1024;
export const MAX_FRAME_BYTES: number = 64 * 1024;
export const MAX_HEADER_LIST_BYTES: number = 16 * 1024;

const ENTRY_BYTES = 6;

/** The payload of the SETTINGS that an HBONE connection begins with. */
export function ownSettings(role: 'client' | 'server', maxStreams: number): Uint8Array {
  const settings: readonly (readonly [number, number])[] = [
    role === 'client' ? [Setting.enablePush, 0] : [Setting.maxConcurrentStreams, maxStreams],
    [Setting.initialWindowSize, STREAM_WINDOW_BYTES],
    [Setting.maxFrameSize, MAX_FRAME_BYTES],
    [Setting.maxHeaderListSize, MAX_HEADER_LIST_BYTES],
  ];
  const payload = Buffer.alloc(settings.length * ENTRY_BYTES);
  settings.forEach(([setting, value], i) => {
    payload.writeUInt16BE(setting, i * ENTRY_BYTES);
    payload.writeUInt32BE(value, i * ENTRY_BYTES + 2);
  });
  return payload;
}
