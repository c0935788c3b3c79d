import {
  DEFAULT_FRAME_BYTES,
  DEFAULT_WINDOW_BYTES,
  ErrorCode,
  MAX_WINDOW_BYTES,
  Setting,
} from '../frames/http2-codes.ts';
import { http2Error } from '../frames/http2-error.ts';

/** What the peer has set, of what concerns us (RFC 9113, 6.5.2). */
export interface PeerSettings {
  readonly headerTableBytes: number;
  readonly maxStreams: number;
  readonly windowBytes: number;
  readonly frameBytes: number;
}

/** What holds before the first SETTINGS. */
export const initialPeerSettings: PeerSettings = {
  headerTableBytes: 4_096,
  maxStreams: Number.POSITIVE_INFINITY,
  windowBytes: DEFAULT_WINDOW_BYTES,
  frameBytes: DEFAULT_FRAME_BYTES,
};

const ENTRY_BYTES = 6;
const MAX_FRAME_BYTES = 2 ** 24 - 1;

/**
 * What holds after a SETTINGS frame; unknown settings change nothing.
 *
 * @throws {MeshError} ERR_WIRE with the HTTP/2 code of RFC 9113, 6.5.
 */
export function applySettings(before: PeerSettings, payload: Buffer): PeerSettings {
  if (payload.length % ENTRY_BYTES !== 0) {
    throw http2Error(ErrorCode.frameSizeError, `SETTINGS of ${payload.length} bytes`);
  }
  let after = before;
  for (let at = 0; at < payload.length; at += ENTRY_BYTES) {
    after = { ...after, ...read(payload.readUInt16BE(at), payload.readUInt32BE(at + 2)) };
  }
  return after;
}

function read(setting: number, value: number): Partial<PeerSettings> {
  switch (setting) {
    case Setting.headerTableSize:
      return { headerTableBytes: value };
    case Setting.enablePush:
      if (value > 1) throw outOfRange('ENABLE_PUSH', value);
      return {};
    case Setting.maxConcurrentStreams:
      return { maxStreams: value };
    case Setting.initialWindowSize:
      if (value > MAX_WINDOW_BYTES) {
        throw http2Error(ErrorCode.flowControlError, `an initial window of ${value}`);
      }
      return { windowBytes: value };
    case Setting.maxFrameSize:
      if (value < DEFAULT_FRAME_BYTES || value > MAX_FRAME_BYTES) {
        throw outOfRange('MAX_FRAME_SIZE', value);
      }
      return { frameBytes: value };
    default:
      return {};
  }
}

function outOfRange(name: string, value: number): Error {
  return http2Error(ErrorCode.protocolError, `SETTINGS_${name} of ${value}`);
}
