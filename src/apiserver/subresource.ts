import type { ApiContext } from './api-context.ts';
import type { ApiAnswer } from './api-request.ts';
import type { ResourceCall } from './resource-call.ts';

/** Answers what is served below a resource, or a kind that is a question. */
export type Subresource = (call: ResourceCall, context: ApiContext) => Promise<ApiAnswer>;
