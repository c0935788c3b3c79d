import { MeshError } from '../lib/errors.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

const FORM = /^(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/;

/** @throws {MeshError} ERR_USAGE quoting the text. */
export function parseAddress(text: string): Address {
  const [, v6, name, digits] = FORM.exec(text) ?? [];
  const host = v6 ?? name;
  const port = Number(digits);
  if (host !== undefined && port < 65_536) return { host, port };
  throw new MeshError(
    'ERR_USAGE',
    `"${text}" is not an address; write host:port, for example 0.0.0.0:15012 or [::]:15012`,
  );
}
