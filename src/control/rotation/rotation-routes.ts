import type { OperatorRoutes } from '../../apiserver/operator-paths.ts';
import type { RotationOrder } from '../../ca/rotation.ts';
import { parseDuration } from '../../lib/duration.ts';
import { MeshError } from '../../lib/errors.ts';
import { RENEW_WITHIN_MS, type RotationService } from './rotation-service.ts';

export interface RotationRouteOptions {
  readonly service: RotationService;
  /** Reads the plug-in CA again. */
  readonly reload: (actor: string) => Promise<unknown>;
}

const MOST_WAIVED = 1_000;
const LONGEST_NAME = 2_048;

/** How the CLI rotates the authority and sees how far it is. */
export function rotationRoutes({ service, reload }: RotationRouteOptions): OperatorRoutes {
  return {
    'POST /v1/ca/rotate': async ({ body, actor }) => {
      await service.order(readOrder(body), actor);
      return service.status();
    },
    'POST /v1/ca/abort': async ({ actor }) => {
      await service.abort(actor);
      return service.status();
    },
    'POST /v1/ca/reload': ({ actor }) => reload(actor),
    'GET /v1/ca/status': () => service.status(),
  };
}

/** @throws {MeshError} ERR_USAGE naming the field. */
function readOrder(body: unknown): RotationOrder {
  const fields = typeof body === 'object' && body !== null ? body : {};
  const { role, compromised = false, waive = [], renewWithin } = fields as Record<string, unknown>;
  if (role !== 'root' && role !== 'intermediate') throw bad('role', role);
  if (typeof compromised !== 'boolean') throw bad('compromised', compromised);
  if (!Array.isArray(waive) || waive.length > MOST_WAIVED || !waive.every(isName)) {
    throw bad('waive', waive);
  }
  return { role, compromised, waived: waive, renewWithinMs: windowOf(renewWithin, compromised) };
}

function windowOf(text: unknown, compromised: boolean): number {
  if (compromised) return 0;
  if (text === undefined) return RENEW_WITHIN_MS;
  if (typeof text !== 'string') throw bad('renewWithin', text);
  return Math.max(0, parseDuration(text));
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= LONGEST_NAME;
}

function bad(field: string, value: unknown): MeshError {
  const shown = JSON.stringify(value)?.slice(0, 80) ?? 'missing';
  return new MeshError('ERR_USAGE', `${field} of a rotation cannot be ${shown}`);
}
