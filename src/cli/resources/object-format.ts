import { InvalidArgumentError } from 'commander';
import { stringify } from 'yaml';
import type { ApiObject } from '../../apiclient/api-object.ts';
import { MeshError } from '../../lib/errors.ts';
import { table } from '../output.ts';
import { jsonPathExpression } from './jsonpath-expression.ts';
import { jsonPathTemplate, valueText } from './jsonpath-template.ts';

/** How objects are printed. */
export type ObjectFormat =
  | { readonly as: 'table'; readonly wide: boolean }
  | { readonly as: 'name' }
  /** Of the object, or of a List of several. */
  | { readonly as: 'document'; readonly print: (value: unknown) => string }
  | {
      readonly as: 'columns';
      readonly print: (objects: readonly ApiObject[], headings?: boolean) => string;
    };

interface CustomColumn {
  readonly heading: string;
  readonly cell: (object: ApiObject) => string;
}

const KNOWN = 'json, yaml, name, wide, jsonpath=…, custom-columns=…';

/**
 * Reads what stands after `-o`, as kubectl takes it.
 *
 * @throws {MeshError} ERR_USAGE naming what there is.
 */
function parseObjectFormat(text: string): ObjectFormat {
  const [name = '', ...rest] = text.split('=');
  const argument = rest.join('=');
  switch (name) {
    case 'text':
    case '':
      return { as: 'table', wide: false };
    case 'wide':
      return { as: 'table', wide: true };
    case 'name':
      return { as: 'name' };
    case 'json':
      return { as: 'document', print: jsonText };
    case 'yaml':
      return { as: 'document', print: yamlText };
    case 'jsonpath': {
      if (argument === '') throw usage('jsonpath needs a template: -o jsonpath={.metadata.name}');
      return { as: 'document', print: jsonPathTemplate(argument) };
    }
    case 'custom-columns': {
      const columns = customColumns(argument);
      return {
        as: 'columns',
        print: (objects, headings) => columnsText(columns, objects, headings),
      };
    }
    default:
      throw usage(`"${text.slice(0, 80)}" is no output format; there are ${KNOWN}`);
  }
}

/** The same for an option of commander. */
export function objectFormatArgument(text: string): ObjectFormat {
  try {
    return parseObjectFormat(text);
  } catch (error) {
    if (MeshError.is(error, 'ERR_USAGE')) throw new InvalidArgumentError(error.message);
    throw error;
  }
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 4)}\n`;
}

/** As kubectl prints it: keys in order, in the YAML that kubectl reads back as the same. */
export function yamlText(value: unknown): string {
  return stringify(value, {
    version: '1.1',
    aliasDuplicateObjects: false,
    lineWidth: 0,
    indentSeq: false,
    sortMapEntries: true,
  });
}

/** `NAME:.metadata.name,MODE:.spec.mtls.mode`. */
function customColumns(text: string): readonly CustomColumn[] {
  if (text === '') throw usage('custom-columns needs columns: NAME:.metadata.name,HOST:.spec.host');
  return text.split(',').map((column) => {
    const colon = column.indexOf(':');
    if (colon < 1) throw usage(`the column "${column}" must be written HEADING:.path`);
    const path = jsonPathExpression(column.slice(colon + 1).replace(/^\{(.*)\}$/s, '$1'));
    return {
      heading: column.slice(0, colon),
      cell: (object) => path(object, object).map(valueText).join(',') || '<none>',
    };
  });
}

function columnsText(
  columns: readonly CustomColumn[],
  objects: readonly ApiObject[],
  headings = true,
): string {
  const rows = objects.map((object) => columns.map(({ cell }) => cell(object)));
  return `${table(headings ? columns.map(({ heading }) => heading) : undefined, rows)}\n`;
}

/** Without what only the server needs. */
export function shownObject(object: ApiObject, managedFields = false): ApiObject {
  if (managedFields || object.metadata?.['managedFields'] === undefined) return object;
  const { managedFields: _, ...metadata } = object.metadata;
  return { ...object, metadata: metadata as ApiObject['metadata'] };
}

/** Several objects as the one that kubectl prints. */
export function listOf(items: readonly ApiObject[]): object {
  return { apiVersion: 'v1', items, kind: 'List', metadata: { resourceVersion: '' } };
}

function usage(message: string): MeshError {
  return new MeshError('ERR_USAGE', message);
}
