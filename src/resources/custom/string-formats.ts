import { parseGoDuration } from '../go-duration.ts';
import { isIpAddress, isIpBlock } from '../ip-syntax.ts';
import { nameProblem } from '../names.ts';

const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const DATE_TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;
const DATE = /^\d{4}-\d\d-\d\d$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

/** The formats of OpenAPI that Kubernetes checks; others are said and not checked. */
const CHECKS: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ['date-time', (text) => DATE_TIME.test(text) && !Number.isNaN(Date.parse(text))],
  ['date', (text) => DATE.test(text) && !Number.isNaN(Date.parse(text))],
  ['duration', (text) => parseGoDuration(text) !== undefined],
  ['byte', (text) => BASE64.test(text)],
  ['uuid', (text) => UUID.test(text)],
  ['ipv4', (text) => isIpAddress(text) && !text.includes(':')],
  ['ipv6', (text) => isIpAddress(text) && text.includes(':')],
  ['cidr', (text) => text.includes('/') && isIpBlock(text)],
  ['uri', (text) => URL.canParse(text)],
  ['hostname', (text) => nameProblem(text.toLowerCase(), 'subdomain') === undefined],
  ['email', (text) => /^[^\s@]+@[^\s@]+$/.test(text)],
]);

/** Whether `text` is of that format of OpenAPI; true for formats that are not checked. */
export function isOfFormat(text: string, format: string): boolean {
  return CHECKS.get(format)?.(text) ?? true;
}
