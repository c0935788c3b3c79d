import { MeshError } from '../../lib/errors.ts';
import type { CheckQuestion } from '../../policy/questions/check-question.ts';
import { parseCheckQuestions } from '../../policy/questions/parse-check-questions.ts';

/** The flags that ask about one call. */
export interface QuestionOptions {
  readonly from?: string;
  readonly to?: string;
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly header?: readonly string[];
  readonly jwt?: string;
  readonly ip?: string;
  readonly sni?: string;
}

const PLAINTEXT = 'plaintext';
const TO = /^([^/:]+)\/([^/:]+)(?::(\d{1,5}))?$/;
const HEADER = /^([^:\s]+)\s*[:=]\s*(.*)$/s;

/**
 * The question that flags ask, its caller in `trustDomain`.
 *
 * @throws {MeshError} ERR_USAGE quoting the flag.
 */
export function questionOf(options: QuestionOptions, trustDomain: string): CheckQuestion {
  const { from, to, ip, sni } = options;
  const [, namespace, workload, port] = TO.exec(to ?? '') ?? [];
  if (namespace === undefined || workload === undefined) {
    throw new MeshError(
      'ERR_USAGE',
      to === undefined
        ? 'whom the call is to is missing; write for example --to shop/products:8080, or give many calls with --request'
        : `--to "${to}" is no workload; write namespace/name or namespace/name:port`,
    );
  }
  const question = {
    source: { principal: principalOf(from, trustDomain), ip },
    destination: { namespace, workload, port },
    http: httpOf(options),
    jwt: tokenOf(options.jwt),
    sni,
  };
  const [checked] = parseCheckQuestions(JSON.stringify(question), 'the flags');
  if (checked === undefined) throw new MeshError('ERR_USAGE', 'the flags ask nothing');
  return checked;
}

function principalOf(from: string | undefined, trustDomain: string): string | undefined {
  if (from === undefined || from === PLAINTEXT) return undefined;
  if (from.startsWith('spiffe://')) return from;
  const parts = from.split('/');
  if (parts.length === 2 && parts.every((part) => part !== '')) {
    return `${trustDomain}/ns/${parts[0]}/sa/${parts[1]}`;
  }
  if (parts.length > 2) return from;
  throw new MeshError(
    'ERR_USAGE',
    `--from "${from}" is no caller; write namespace/service-account, a principal such as cluster.local/ns/shop/sa/frontend, or ${PLAINTEXT}`,
  );
}

function httpOf({ method, path, host, header, jwt }: QuestionOptions): unknown {
  const isHttp = [method, path, host, header, jwt].some((each) => each !== undefined);
  if (!isHttp) return undefined;
  const headers: Record<string, string[]> = {};
  for (const text of header ?? []) {
    const [, name, value] = HEADER.exec(text) ?? [];
    if (name === undefined || value === undefined) {
      throw new MeshError('ERR_USAGE', `--header "${text}" is no header; write "name: value"`);
    }
    headers[name.toLowerCase()] = [...(headers[name.toLowerCase()] ?? []), value];
  }
  return { method, path, host, headers };
}

function tokenOf(jwt: string | undefined): unknown {
  if (jwt === undefined || !jwt.trimStart().startsWith('{')) return jwt;
  try {
    return JSON.parse(jwt);
  } catch (cause) {
    throw new MeshError('ERR_USAGE', '--jwt begins as JSON and is none; give claims or a token', {
      cause,
    });
  }
}
