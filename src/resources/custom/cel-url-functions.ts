import { type CelFunc, CelScalar, celFunc, celMethod, mapType } from '@bufbuild/cel';

const { STRING, BOOL } = CelScalar;
const urlType = mapType(STRING, STRING);

const PARTS = {
  getScheme: (url: URL) => url.protocol.slice(0, -1),
  getHost: (url: URL) => url.host,
  getHostname: (url: URL) => url.hostname,
  getPort: (url: URL) => url.port,
  getEscapedPath: (url: URL) => url.pathname,
} as const;

/** Kubernetes' functions over URLs. */
export const urlFunctions: readonly CelFunc[] = [
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
];
