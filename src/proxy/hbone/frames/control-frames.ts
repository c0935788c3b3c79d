import { ErrorCode } from './http2-codes.ts';
import { http2Error } from './http2-error.ts';

const STREAM_ID_MASK = 0x7fff_ffff;
const PRIORITY_BYTES = 5;
const PING_BYTES = 8;
const GOAWAY_BYTES = 8;
const NUMBER_BYTES = 4;

/** A frame that must name a stream, or must not (RFC 9113, 6). @throws {MeshError} ERR_WIRE */
export function checkStreamId(
  frame: string,
  streamId: number,
  needed: 'stream' | 'connection',
): void {
  if ((streamId === 0) === (needed === 'connection')) return;
  throw http2Error(ErrorCode.protocolError, `${frame} for stream ${streamId}`);
}

/** The error code of RST_STREAM. @throws {MeshError} ERR_WIRE, as all here do, for a wrong size. */
export function readReset(payload: Buffer): number {
  checkBytes('RST_STREAM', payload, NUMBER_BYTES);
  return payload.readUInt32BE(0);
}

/** The increment of WINDOW_UPDATE, which may be 0. */
export function readWindowUpdate(payload: Buffer): number {
  checkBytes('WINDOW_UPDATE', payload, NUMBER_BYTES);
  return payload.readUInt32BE(0) & STREAM_ID_MASK;
}

/** What GOAWAY says: the last stream that is served, and the error code. */
export function readGoaway(payload: Buffer): { readonly lastId: number; readonly code: number } {
  if (payload.length < GOAWAY_BYTES) checkBytes('GOAWAY', payload, GOAWAY_BYTES);
  return { lastId: payload.readUInt32BE(0) & STREAM_ID_MASK, code: payload.readUInt32BE(4) };
}

export function checkPing(payload: Buffer): void {
  checkBytes('PING', payload, PING_BYTES);
}

/** The stream that PRIORITY makes its own depend on. */
export function readPriority(payload: Buffer): number {
  checkBytes('PRIORITY', payload, PRIORITY_BYTES);
  return payload.readUInt32BE(0) & STREAM_ID_MASK;
}

export function checkSettingsAck(payload: Buffer): void {
  checkBytes('the acknowledgement of SETTINGS', payload, 0);
}

function checkBytes(frame: string, payload: Buffer, bytes: number): void {
  if (payload.length === bytes) return;
  throw http2Error(ErrorCode.frameSizeError, `${frame} of ${payload.length} bytes`);
}
