import {
  type CelEnv,
  type CelFunc,
  CelScalar,
  celEnv,
  celFunc,
  celMethod,
  mapType,
} from '@bufbuild/cel';
import { strings } from '@bufbuild/cel/ext';
import { RE2JS } from 're2js';
import { lazy } from '../lazy.ts';

const { STRING, BOOL } = CelScalar;
const urlType = mapType(STRING, STRING);

const PARTS = {
  getScheme: (url: URL) => url.protocol.slice(0, -1),
  getHost: (url: URL) => url.host,
  getHostname: (url: URL) => url.hostname,
  getPort: (url: URL) => url.port,
  getEscapedPath: (url: URL) => url.pathname,
} as const;

/** Kubernetes' own functions over URLs and expressions, beside those of CEL and its strings. */
const functions: readonly CelFunc[] = [
  celFunc('isURL', [STRING], BOOL, (text) => URL.canParse(text)),
  celFunc('url', [STRING], urlType, (text) => {
    const url = new URL(text);
    return new Map(Object.entries(PARTS).map(([name, part]) => [name, part(url)]));
  }),
  ...Object.keys(PARTS).map((name) =>
    celMethod(name, urlType, [], STRING, function () {
      return String(this.get(name));
    }),
  ),
  celMethod('find', STRING, [STRING], STRING, function (pattern) {
    const matcher = RE2JS.compile(pattern).matcher(this);
    return matcher.find() ? (matcher.group() ?? '') : '';
  }),
];

/** What rules of CustomResourceDefinitions can use. Patterns in them are RE2's. */
export const celEnvironment: () => CelEnv = lazy(() =>
  celEnv({
    funcs: [...strings, ...functions],
    re2: {
      compile: (pattern) => {
        const compiled = RE2JS.compile(pattern);
        return { test: (text) => compiled.matcher(text).find() };
      },
    },
  }),
);
