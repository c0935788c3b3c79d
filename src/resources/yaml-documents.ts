import {
  Composer,
  type Document,
  Lexer,
  LineCounter,
  type ParsedNode,
  Parser,
  Schema,
  type YAMLError,
} from 'yaml';
import { MAX_DEPTH } from './json-tree.ts';

/** Something that is wrong on one line of a text. */
export interface LineProblem {
  /** From 1. */
  readonly line: number;
  readonly message: string;
}

/** One document of a YAML stream that has contents, or what is wrong with it. */
export type YamlDocument =
  | { readonly contents: ParsedNode; readonly line: number }
  | { readonly problems: readonly LineProblem[] };

/** The documents of a stream, and the line of each of its characters. */
export interface YamlStream {
  readonly documents: readonly YamlDocument[];
  lineAt(offset: number): number;
}

/** After the first few, the parser mostly complains about its own confusion. */
const MAX_PROBLEMS = 3;
/** What the parser may find amiss before it is stopped; each costs it 10 us. */
const MAX_ERRORS = 50;
/** A megabyte of ordinary YAML or JSON has half as many; a value takes two or more. */
const MAX_LEXEMES = 500_000;
const KEPT_TAGS = ['str', 'null', 'bool', 'int', 'float', 'map', 'seq'].map(
  (name) => `tag:yaml.org,2002:${name}`,
);

/**
 * Plain scalars as kubectl reads them, which is YAML 1.1 without its stranger types: `yes` is true,
 * `0644` is octal, but a date or `12:30` is a string.
 */
const schema = new Schema({
  schema: 'yaml-1.1',
  resolveKnownTags: false,
  merge: false,
  customTags: (tags) =>
    tags.filter(
      (tag) =>
        typeof tag !== 'string' &&
        KEPT_TAGS.includes(tag.tag) &&
        !('format' in tag && tag.format === 'TIME'),
    ),
});

/**
 * Reads a YAML stream, JSON included, document by document; empty ones are left out. A document
 * that nests deeper than MAX_DEPTH ends the reading before anything recurses into it, and so does
 * the one after `maxDocuments`, and a stream of nothing but errors or signs. Equal keys are let through: the library takes quadratic time to
 * find them.
 */
export function yamlDocuments(text: string, maxDocuments: number): YamlStream {
  const lines = new LineCounter();
  const lineAt = (offset: number): number => Math.max(1, lines.linePos(offset).line);
  const documents: YamlDocument[] = [];
  let count = 0;
  for (const composed of compose(text, lines)) {
    count += 1;
    const last = 'stoppedAt' in composed ? composed : beyond(composed, count, maxDocuments);
    if (last !== undefined) {
      documents.push({ problems: [{ line: lineAt(last.stoppedAt), message: last.message }] });
      break;
    }
    if (!('stoppedAt' in composed)) documents.push(...documentOf(composed, lineAt));
  }
  return { documents, lineAt };
}

/** Where and why the reading ends before the text does. */
interface Stop {
  readonly stoppedAt: number;
  readonly message: string;
}

/**
 * The library's own loop, with a look at the parser's stack after each lexeme: its composer, unlike
 * its parser, recurses.
 */
function* compose(text: string, lines: LineCounter): Generator<Document.Parsed | Stop> {
  const parser = new Parser(lines.addNewLine);
  const composer = new Composer({ schema, uniqueKeys: false, strict: true });
  lines.addNewLine(0);
  const seen = { lexemes: 0, errors: 0 };
  for (const lexeme of new Lexer().lex(text)) {
    seen.lexemes += 1;
    for (const token of parser.next(lexeme)) {
      // Nobody writes more than one or two directives, and each bad one costs as much as an error.
      if (token.type === 'error' || token.type === 'directive') seen.errors += 1;
      yield* composer.next(token);
    }
    const message = tooMuch(parser, seen);
    if (message !== undefined) {
      yield { stoppedAt: parser.offset, message };
      return;
    }
  }
  for (const token of parser.end()) yield* composer.next(token);
  yield* composer.end();
}

function tooMuch(
  parser: Parser,
  { lexemes, errors }: { readonly lexemes: number; readonly errors: number },
): string | undefined {
  if (parser.stack.length > MAX_DEPTH) return `is nested more than ${MAX_DEPTH} levels deep`;
  if (errors > MAX_ERRORS) return 'is not YAML: far too much stands here that is not expected';
  return lexemes > MAX_LEXEMES ? `has more than ${MAX_LEXEMES} words and signs` : undefined;
}

function beyond(document: Document.Parsed, count: number, maxDocuments: number): Stop | undefined {
  if (count <= maxDocuments) return undefined;
  const message = `has more than ${maxDocuments} documents; split it into several files`;
  return { stoppedAt: document.range[0], message };
}

function documentOf(
  document: Document.Parsed,
  lineAt: (offset: number) => number,
): readonly YamlDocument[] {
  const { contents, errors, warnings } = document;
  const found = [...errors, ...warnings.filter(({ code }) => code === 'TAG_RESOLVE_FAILED')];
  if (found.length > 0) {
    const problems = found
      .slice(0, MAX_PROBLEMS)
      .map((error) => ({ line: lineAt(error.pos[0]), message: sentenceOf(error) }));
    return [{ problems }];
  }
  if (contents === null) return [];
  return [{ contents, line: lineAt(contents.range[0]) }];
}

/** The library's message where it quotes nothing of the text, which may be a Secret's. */
function sentenceOf({ code, message }: YAMLError): string {
  switch (code) {
    case 'UNEXPECTED_TOKEN':
      return 'is not YAML: something stands here that is not expected; look at indentation, colons and quotes';
    case 'TAG_RESOLVE_FAILED':
      return 'has a tag that is not supported; remove the word that begins with "!"';
    case 'TAB_AS_INDENT':
      return 'is not YAML: a tab indents this line; use spaces';
    default:
      return `is not YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
  }
}
