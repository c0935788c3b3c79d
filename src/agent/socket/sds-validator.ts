import type { Node } from '../../gen/envoy/config/core/v3/base_pb.js';

/**
 * How an Envoy is told whom to trust: by its SPIFFE validator, which keeps trust domains apart, or by
 * a plain list of roots.
 */
export type SdsValidator = 'spiffe' | 'plain';

/** SPIRE's name for it, so that bootstrap files written for SPIRE mean the same here. */
const DISABLED = 'disable_spiffe_cert_validation';
const FIRST_WITH_VALIDATOR = { major: 1, minor: 18 };

/** SPIRE's rule: the validator from Envoy 1.18 on, and where the version is unknown, unless metadata says no. */
export function sdsValidator(node: Node | undefined): SdsValidator {
  const disabled = node?.metadata?.[DISABLED];
  if (disabled === true || disabled === 'true') return 'plain';
  const version = versionOf(node);
  if (version === undefined) return 'spiffe';
  const { major, minor } = FIRST_WITH_VALIDATOR;
  const has = version.major > major || (version.major === major && version.minor >= minor);
  return has ? 'spiffe' : 'plain';
}

function versionOf(
  node: Node | undefined,
): { readonly major: number; readonly minor: number } | undefined {
  const reported = node?.userAgentVersionType;
  if (reported?.case === 'userAgentBuildVersion') {
    const { version } = reported.value;
    return version && { major: version.majorNumber, minor: version.minorNumber };
  }
  const [, major, minor] = /^v?(\d+)\.(\d+)/.exec(reported?.value ?? '') ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}
