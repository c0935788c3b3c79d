import type { Fields } from './fields.ts';

/** A request of any version of HTTP. What is in here is what is judged, and what is forwarded. */
export interface HttpRequest {
  readonly protocol: 'HTTP/1.0' | 'HTTP/1.1' | 'HTTP/2';
  readonly method: string;
  /** Path and query; `*`; or the authority of CONNECT. */
  readonly target: string;
  /** Host or `:authority`; undefined where a request of HTTP/1.0 has none. */
  readonly authority: string | undefined;
  readonly scheme: string | undefined;
  /** All but the host, the pseudo fields and what is for one hop. */
  readonly fields: Fields;
}
