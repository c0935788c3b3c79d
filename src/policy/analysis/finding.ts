import type { Resource } from '../../resources/resource.ts';

export type Level = 'Error' | 'Warning' | 'Info';

/** Something that a mesh's resources say together and that is hardly meant. */
export interface Finding {
  readonly code: FindingCode;
  readonly resource: Pick<Resource, 'kind' | 'metadata'>;
  readonly message: string;
}

/** Istio's codes with Istio's levels, and ours (`HBK`). Codes are never renamed. */
export const findingLevels = {
  IST0101: 'Error',
  IST0102: 'Info',
  IST0103: 'Warning',
  IST0106: 'Error',
  IST0107: 'Warning',
  IST0108: 'Warning',
  IST0110: 'Error',
  IST0111: 'Error',
  IST0113: 'Error',
  IST0115: 'Error',
  IST0118: 'Info',
  IST0125: 'Warning',
  IST0127: 'Warning',
  IST0128: 'Warning',
  IST0129: 'Warning',
  IST0130: 'Warning',
  IST0131: 'Info',
  IST0132: 'Warning',
  IST0133: 'Warning',
  IST0134: 'Warning',
  IST0138: 'Warning',
  IST0145: 'Error',
  IST0149: 'Error',
  IST0151: 'Warning',
  IST0152: 'Error',
  IST0153: 'Error',
  IST0154: 'Error',
  IST0155: 'Warning',
  IST0159: 'Error',
  IST0160: 'Error',
  IST0161: 'Error',
  IST0162: 'Warning',
  IST0166: 'Warning',
  IST0167: 'Warning',
  IST0170: 'Warning',
  IST0171: 'Warning',
  IST0173: 'Error',
  IST0174: 'Warning',
  IST0175: 'Warning',
  IST0177: 'Warning',
  /** A rule that an earlier one covers, so that it decides nothing. */
  HBK0001: 'Warning',
  /** A policy that another one makes void: an ALLOW behind a DENY of everything. */
  HBK0002: 'Warning',
  /** A policy none of whose rules can match any call. */
  HBK0003: 'Warning',
  /** A rule on HTTP for ports that are declared as TCP. */
  HBK0004: 'Warning',
  /** A PeerAuthentication that is ignored: an older one wins, or it selects in the root namespace. */
  HBK0005: 'Warning',
  /** A port of portLevelMtls that is a Service's and not the workload's own. */
  HBK0006: 'Warning',
  /** Fields of a DestinationRule that Istio does not have. */
  HBK0007: 'Info',
  /** A DestinationRule with a credentialName that no workload is given. */
  HBK0008: 'Warning',
} as const satisfies Record<string, Level>;

export type FindingCode = keyof typeof findingLevels;

/** `Gateway httpbin/gw`; cluster-scoped: `Namespace shop`. */
export function originOf({ kind, metadata }: Finding['resource']): string {
  const { namespace, name } = metadata;
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}
