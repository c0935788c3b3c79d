import { stringify } from 'yaml';
import type { ApiAnswer } from '../api-request.ts';
import { parseAccept, takesYaml } from './media-type.ts';

/** Above it JSON is sent, which is YAML too, and takes no time to write. */
const LARGEST_BLOCK_STYLE = 256 * 1024;

/** An answer in JSON as YAML, for clients that want that most; every other answer as it is. */
export function yamlWhereWanted(answered: ApiAnswer, accept: string | undefined): ApiAnswer {
  const [best] = parseAccept(accept);
  if (best === undefined || !takesYaml(best) || 'stream' in answered) return answered;
  if (answered.headers['content-type'] !== 'application/json') return answered;
  const text = answered.body.toString();
  return {
    ...answered,
    headers: { ...answered.headers, 'content-type': 'application/yaml' },
    body: text.length > LARGEST_BLOCK_STYLE ? text : inBlockStyle(text),
  };
}

/** Quoted for readers of YAML 1.1 too, to whom a bare `yes` or a time is no text. */
function inBlockStyle(json: string): string {
  return stringify(JSON.parse(json), { lineWidth: 0, version: '1.1' });
}
