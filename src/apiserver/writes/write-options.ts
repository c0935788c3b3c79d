import type { ApiRequest } from '../api-request.ts';
import { badRequest } from '../status-error.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

/** What the query of a write says beside the object. */
export interface WriteOptions {
  readonly dryRun: boolean;
  readonly fieldManager: string;
  readonly fieldValidation: FieldValidation;
  readonly force: boolean;
}

const LONGEST_MANAGER = 128;

/** @throws {StatusError} BadRequest for values that there are not. */
export function writeOptions({
  query,
  headers,
}: Pick<ApiRequest, 'query' | 'headers'>): WriteOptions {
  return {
    dryRun: isDryRun(query.getAll('dryRun')),
    fieldManager: managerOf(query.get('fieldManager'), headers['user-agent']),
    fieldValidation: validationOf(query.get('fieldValidation')),
    force: isTrue(query.get('force')),
  };
}

/** @throws {StatusError} BadRequest unless it is `All`, the only dry run there is. */
export function isDryRun(values: readonly string[]): boolean {
  for (const value of values) {
    if (value !== 'All') {
      throw badRequest(
        `dryRun: Unsupported value: ${JSON.stringify(value)}: supported values: "All"`,
      );
    }
  }
  return values.length > 0;
}

export function isTrue(value: string | null): boolean {
  return value !== null && /^(?:1|t|true)$/i.test(value);
}

function managerOf(given: string | null, userAgent: string | undefined): string {
  if (given === null || given === '') {
    // As Kubernetes does: the program's name, before its version.
    return printable((userAgent ?? '').split('/')[0] ?? '') || 'unknown';
  }
  if (given.length > LONGEST_MANAGER || printable(given) !== given) {
    throw badRequest(
      `fieldManager: Invalid value: at most ${LONGEST_MANAGER} printable characters`,
    );
  }
  return given;
}

function printable(text: string): string {
  return text.replaceAll(/\p{C}/gu, '').slice(0, LONGEST_MANAGER);
}

function validationOf(value: string | null): FieldValidation {
  if (value === null || value === '') return 'Warn';
  if (value === 'Strict' || value === 'Warn' || value === 'Ignore') return value;
  throw badRequest(
    `fieldValidation: Unsupported value: ${JSON.stringify(value)}: supported values: "Ignore", "Strict", "Warn"`,
  );
}
