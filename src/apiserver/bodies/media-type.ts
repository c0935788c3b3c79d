/** A media type with its parameters, or a range of them where `type` or `subtype` is `*`. */
export interface MediaType {
  readonly type: string;
  readonly subtype: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** 0 to 1. */
  readonly quality: number;
}

const MOST_RANGES = 32;

/** The media types of an `Accept` header, best first; what cannot be read is left out. */
export function parseAccept(header: string | undefined): readonly MediaType[] {
  if (header === undefined || header.trim() === '') return [ANY];
  return header
    .split(',', MOST_RANGES)
    .map(parseMediaType)
    .filter((range) => range !== undefined)
    .filter(({ quality }) => quality > 0)
    .toSorted((a, b) => b.quality - a.quality);
}

/** One media type, as in `Content-Type`; undefined where there is none. */
export function parseMediaType(text: string): MediaType | undefined {
  const [name = '', ...rest] = text.split(';').map((part) => part.trim());
  const [type, subtype, more] = name.toLowerCase().split('/');
  if (type === undefined || subtype === undefined || more !== undefined) return undefined;
  if (type === '' || subtype === '') return undefined;
  const parameters = new Map<string, string>();
  for (const part of rest) {
    const at = part.indexOf('=');
    if (at > 0)
      parameters.set(part.slice(0, at).toLowerCase(), part.slice(at + 1).replaceAll('"', ''));
  }
  const quality = Number(parameters.get('q') ?? 1);
  parameters.delete('q');
  return {
    type,
    subtype,
    parameters: Object.fromEntries(parameters),
    quality: Number.isFinite(quality) ? Math.min(Math.max(quality, 0), 1) : 0,
  };
}

const ANY: MediaType = { type: '*', subtype: '*', parameters: {}, quality: 1 };

/** Whether `range` takes `application/json` without anything special about it. */
export function takesJson({ type, subtype, parameters }: MediaType): boolean {
  if (parameters['as'] !== undefined) return false;
  return (
    (type === '*' && subtype === '*') ||
    (type === 'application' && (subtype === '*' || subtype === 'json'))
  );
}

/** Whether `range` is YAML. */
export function takesYaml({ type, subtype }: MediaType): boolean {
  return type === 'application' && subtype === 'yaml';
}
