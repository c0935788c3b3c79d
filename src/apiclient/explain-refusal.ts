import { MeshError } from '../lib/errors.ts';
import { quote } from '../resources/field-problem.ts';
import { subjectOf } from '../resources/manifest-candidates.ts';
import { problemText } from '../resources/manifest-refusal.ts';
import type { LineProblem } from '../resources/yaml-documents.ts';
import { ApiError } from './api-error.ts';
import type { ManifestObject } from './manifest-objects.ts';

const MOST_LINES = 50;

/** A refusal of the server with file and line of what it is about; anything else as it is. */
export function explainRefusal(error: unknown, document: ManifestObject): unknown {
  if (!(error instanceof ApiError)) return error;
  const lines = problemsIn(error, document).map((problem) => problemText(problem, document.source));
  const message = lines.slice(0, MOST_LINES).join('\n');
  return new MeshError(error.code, message, { cause: error });
}

function problemsIn({ status }: ApiError, document: ManifestObject): readonly LineProblem[] {
  const { reason, message, details } = status;
  const { line, lineOf, object } = document;
  const subject = subjectOf(object as never);
  const { causes = [], kind, name } = details;
  if (reason === 'Invalid' && causes.length > 0) {
    return causes.map(({ field = '', message: why = '' }) => ({
      line: field === '' ? line : lineOf(field),
      message: `${subject}${field === '' ? '' : `${field}: `}${why}`,
    }));
  }
  if (reason === 'NotFound' && kind === 'namespaces' && name !== undefined) {
    const words = `namespace ${quote(name)} does not exist; apply a Namespace of that name first or in the same file`;
    return [{ line, message: `${subject}${words}` }];
  }
  const unknown = [...message.matchAll(/(unknown|duplicate) field "([^"]+)"/g)];
  if (reason === 'BadRequest' && unknown.length > 0) {
    return unknown.map(([, what = '', field = '']) => ({
      line: lineOf(field),
      message: `${subject}${what} field "${field}"`,
    }));
  }
  return [{ line, message: `${subject}${message}` }];
}
