import { BACKDATE_MS } from '../../ca/authority.ts';
import type { SlotCertificates } from '../../ca/certificate-authority.ts';
import type { AuthorityRole, KeySlots } from '../../ca/rotation.ts';
import { type Awaited, nextStep } from '../../ca/rotation-step.ts';
import type { TrustBundle } from '../../spiffe/trust-bundle.ts';
import type { TrustDomain } from '../../spiffe/trust-domain.ts';
import { type Certificate, fingerprint } from '../../x509/certificate.ts';
import type { Acknowledgement, RotationFindings } from './rotation-evidence.ts';

/** One certificate of an authority. Times are RFC 3339. */
export interface AuthorityView {
  readonly serial: string;
  readonly fingerprint: string;
  readonly notBefore: string;
  readonly notAfter: string;
  /** Since it was made, as far as that can be known: of others' certificates, since they count. */
  readonly ageSeconds: number;
}

export interface SlotView {
  readonly slot: 'current' | 'next' | 'old';
  readonly root: AuthorityView;
  readonly intermediate: AuthorityView;
}

/** A rotation under way, and what it waits for. */
export interface CourseView {
  readonly phase: 'distributing' | 'retiring';
  readonly role: AuthorityRole;
  readonly compromised: boolean;
  readonly startedAt: string;
  /** Since when it is in this phase. */
  readonly since: string;
  readonly renewWithinSeconds: number;
  readonly waived: readonly string[];
  readonly waitsFor: readonly Awaited[];
}

/** Where the authority of a mesh stands: what `hauberk ca status` prints. */
export interface RotationStatus {
  readonly trustDomain: string;
  readonly bundle: { readonly sequence: number; readonly roots: readonly string[] };
  readonly slots: readonly SlotView[];
  readonly rotation: { readonly phase: 'steady' } | CourseView;
  readonly agents: readonly Acknowledgement[];
}

export interface RotationStatusParts {
  readonly trustDomain: TrustDomain;
  readonly slots: KeySlots<SlotCertificates>;
  /** Whether the keys are the mesh's own, whose certificates are dated back. */
  readonly ownKeys: boolean;
  readonly bundle: TrustBundle;
  readonly published: { readonly sequence: number };
  readonly findings: RotationFindings;
  readonly nowMs: number;
}

export function rotationStatus(parts: RotationStatusParts): RotationStatus {
  const { trustDomain, slots, ownKeys, bundle, published, findings, nowMs } = parts;
  const agedAtMs = ownKeys ? nowMs - BACKDATE_MS : nowMs;
  const { current, rotation } = slots;
  const view = (slot: SlotView['slot'], { root, signer }: SlotCertificates): SlotView => ({
    slot,
    root: authorityView(root, agedAtMs),
    intermediate: authorityView(signer, agedAtMs),
  });
  return {
    trustDomain: trustDomain.name,
    bundle: {
      sequence: published.sequence,
      roots: bundle.x509Authorities.map(fingerprint),
    },
    slots: [
      view('current', current),
      ...(rotation.phase === 'distributing' ? [view('next', rotation.next)] : []),
      ...(rotation.phase === 'retiring' ? [view('old', rotation.old)] : []),
    ],
    rotation: rotation.phase === 'steady' ? rotation : courseView(rotation, findings),
    agents: findings.agents,
  };
}

type UnderWay = Exclude<KeySlots<SlotCertificates>['rotation'], { phase: 'steady' }>;

function courseView(rotation: UnderWay, findings: RotationFindings): CourseView {
  const { phase, role, compromised, startedAtMs, sinceMs, renewWithinMs, waived } = rotation;
  const decided = nextStep({ rotation }, findings);
  return {
    ...{ phase, role, compromised, waived, renewWithinSeconds: renewWithinMs / 1_000 },
    startedAt: new Date(startedAtMs).toISOString(),
    since: new Date(sinceMs).toISOString(),
    waitsFor: decided.step === 'wait' ? decided.for : [],
  };
}

function authorityView(certificate: Certificate, agedAtMs: number): AuthorityView {
  const { serial, notBeforeMs, notAfterMs } = certificate;
  return {
    serial,
    fingerprint: fingerprint(certificate),
    notBefore: new Date(notBeforeMs).toISOString(),
    notAfter: new Date(notAfterMs).toISOString(),
    ageSeconds: Math.max(0, Math.round((agedAtMs - notBeforeMs) / 1_000)),
  };
}
