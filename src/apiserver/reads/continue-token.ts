import { badRequest } from '../status-error.ts';

/** Where a list that is read in pages goes on. */
export interface ContinueToken {
  /** Of the whole list; 0 when it goes on with whatever is newest. */
  readonly version: number;
  /** The place of the last object that was sent. */
  readonly after: string;
}

const LONGEST = 2_048;

export function encodeContinue({ version, after }: ContinueToken): string {
  return Buffer.from(JSON.stringify({ v: 'hauberk.dev/v1', rv: version, after })).toString(
    'base64url',
  );
}

/** @throws {StatusError} BadRequest for what was not given out by `encodeContinue`. */
export function decodeContinue(text: string): ContinueToken {
  try {
    if (text.length > LONGEST) throw new Error('too long');
    const read: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    const { v, rv, after } = Object(read) as Readonly<Record<string, unknown>>;
    if (v === 'hauberk.dev/v1' && Number.isSafeInteger(rv) && typeof after === 'string') {
      return { version: Number(rv), after };
    }
    throw new Error('not ours');
  } catch {
    throw badRequest('continue key is not valid: it was not given out by this server');
  }
}
