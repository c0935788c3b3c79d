import { formatDuration } from '../lib/duration.ts';
import { MeshError, messageOf } from '../lib/errors.ts';
import { acceptedSignatureAlgorithm, type Certificate, isSignedBy } from './certificate.ts';
import { describeCertificate, quoteName } from './describe-certificate.ts';
import { OID } from './oids.ts';

/** A leaf, what may lie between, and whom to trust. */
export interface PathQuestion {
  readonly leaf: Certificate;
  /** In any order; those that do not belong to the path are passed over. At most 32. */
  readonly intermediates: readonly Certificate[];
  /** The only certificates that are trusted. */
  readonly roots: readonly Certificate[];
  readonly nowMs: number;
  /** What the leaf is to be used for. Default: not looked at. */
  readonly purpose?: 'serverAuth' | 'clientAuth';
}

/** Certificates in a path, leaf and root included. */
const MAX_DEPTH = 8;
const MAX_INTERMEDIATES = 32;
const MAX_SIGNATURES = 64;

interface Search {
  readonly question: PathQuestion;
  signatures: number;
  /** The problem that was met farthest from the leaf: the one worth telling. */
  failure: { readonly depth: number; readonly problem: string };
}

/**
 * Finds the path from the leaf to one of the roots (RFC 5280 6.1, without policies and name
 * constraints, which count as unknown critical extensions). Checked are, on each certificate, the
 * validity and critical extensions; on each issuer CA:true, keyCertSign and the path length; on
 * leaf and intermediates the purpose; and every signature. A root is trusted because it was given.
 *
 * @returns leaf to root; the root alone when the leaf is one of the roots.
 * @throws {MeshError} ERR_PATH that names the certificate, the check, and for validity both clocks.
 */
export function validatePath(question: PathQuestion): readonly Certificate[] {
  const { leaf, intermediates, roots, nowMs } = question;
  if (Number.isNaN(new Date(nowMs).getTime())) refuse(`${nowMs} is not a time; set the clock here`);
  if (intermediates.length > MAX_INTERMEDIATES) {
    refuse(
      `a chain of ${intermediates.length + 1} certificates; at most ${MAX_INTERMEDIATES} intermediates are looked at`,
    );
  }
  const problem = certificateProblem(leaf, question) ?? purposeProblem(leaf, question.purpose);
  if (problem !== undefined) refuse(`${describeCertificate(leaf)} ${problem}`);
  if (roots.some((root) => leaf.isCa && sameBytes(root.der, leaf.der))) return [leaf];
  const search: Search = { question, signatures: 0, failure: { depth: 0, problem: '' } };
  return extend([leaf], search) ?? refuse(search.failure.problem);
}

/** The path continued to a root, or undefined with the reason in `search.failure`. */
function extend(path: readonly Certificate[], search: Search): Certificate[] | undefined {
  const child = path.at(-1);
  if (child === undefined) return undefined;
  const candidates = issuerCandidates(child, path, search.question);
  for (const { issuer, isRoot } of candidates) {
    const problem = issuerProblem({ issuer, isRoot, path }, search);
    if (problem !== undefined) {
      const depth = search.signatures > MAX_SIGNATURES ? Number.POSITIVE_INFINITY : path.length;
      note(search, depth, `${describeCertificate(issuer)} ${problem}`);
      continue;
    }
    const found = isRoot ? [...path, issuer] : extend([...path, issuer], search);
    if (found !== undefined) return found;
  }
  if (candidates.length === 0) {
    note(
      search,
      path.length,
      `${describeCertificate(child)} was issued by ${quoteName(child.issuer)}, which is neither a trusted root nor in the chain`,
    );
  }
  return undefined;
}

function note(search: Search, depth: number, problem: string): void {
  if (depth > search.failure.depth) search.failure = { depth, problem };
}

interface Candidate {
  readonly issuer: Certificate;
  readonly isRoot: boolean;
}

/** Whoever has the issuer's name: those whose key identifier fits first, of these the roots first. */
function issuerCandidates(
  child: Certificate,
  path: readonly Certificate[],
  { roots, intermediates }: PathQuestion,
): Candidate[] {
  return [
    ...roots.map((issuer) => ({ issuer, isRoot: true })),
    ...intermediates.map((issuer) => ({ issuer, isRoot: false })),
  ]
    .filter(({ issuer }) => sameBytes(issuer.subjectDer, child.issuerDer))
    .filter(({ issuer }) => !path.some((used) => sameBytes(used.der, issuer.der)))
    .sort((a, b) => Number(keyIdDiffers(a.issuer, child)) - Number(keyIdDiffers(b.issuer, child)));
}

function keyIdDiffers(issuer: Certificate, child: Certificate): boolean {
  const [have, want] = [issuer.subjectKeyId, child.authorityKeyId];
  return have !== undefined && want !== undefined && have !== want;
}

function issuerProblem(
  { issuer, isRoot, path }: Candidate & { path: readonly Certificate[] },
  search: Search,
): string | undefined {
  const { question } = search;
  // Self-issued certificates (of a key change) do not count against the path length.
  const below = path.slice(1).filter((ca) => !sameBytes(ca.issuerDer, ca.subjectDer)).length;
  if (path.length >= MAX_DEPTH) return `would make the path longer than ${MAX_DEPTH} certificates`;
  return (
    certificateProblem(issuer, question) ??
    authorityProblem(issuer, below) ??
    (isRoot ? undefined : purposeProblem(issuer, question.purpose)) ??
    signatureProblem(path.at(-1), issuer, search)
  );
}

function certificateProblem(
  { notBeforeMs, notAfterMs, unknownCritical }: Certificate,
  { nowMs }: PathQuestion,
): string | undefined {
  if (nowMs < notBeforeMs) {
    return `is not yet valid, for another ${formatDuration(notBeforeMs - nowMs)}: it begins at ${utc(notBeforeMs)}, ${clockHere(nowMs)}`;
  }
  if (nowMs > notAfterMs) {
    return `expired ${formatDuration(nowMs - notAfterMs)} ago: it ended at ${utc(notAfterMs)}, ${clockHere(nowMs)}`;
  }
  if (unknownCritical.length > 0) {
    return `has a critical extension that is not understood here: ${unknownCritical.slice(0, 4).join(', ')}`;
  }
  return undefined;
}

function clockHere(nowMs: number): string {
  return `the clock here says ${utc(nowMs)}`;
}

function authorityProblem(issuer: Certificate, below: number): string | undefined {
  if (!issuer.isCa) return 'may not issue certificates: it is not CA:true';
  if (issuer.keyUsage?.has('keyCertSign') === false) {
    return 'may not issue certificates: its key usage lacks keyCertSign';
  }
  if (issuer.pathLength !== undefined && below > issuer.pathLength) {
    return `allows ${issuer.pathLength} CAs below it, and here are ${below}`;
  }
  return undefined;
}

function purposeProblem(
  { extendedKeyUsage }: Certificate,
  purpose: PathQuestion['purpose'],
): string | undefined {
  if (purpose === undefined || extendedKeyUsage === undefined) return undefined;
  if (extendedKeyUsage.has(purpose) || extendedKeyUsage.has(OID.anyExtendedKeyUsage)) {
    return undefined;
  }
  return `is not for ${purpose}: its extended key usage is ${[...extendedKeyUsage].slice(0, 4).join(', ')}`;
}

function signatureProblem(
  child: Certificate | undefined,
  issuer: Certificate,
  search: Search,
): string | undefined {
  if (child === undefined) return undefined;
  search.signatures += 1;
  if (search.signatures > MAX_SIGNATURES) {
    return `was not tried: more than ${MAX_SIGNATURES} signatures would have to be checked; give each CA a name of its own`;
  }
  try {
    if (isSignedBy(child, issuer.publicKey)) return undefined;
  } catch (error) {
    return `has a key that cannot be used: ${messageOf(error)}`;
  }
  const what = `has the name of the issuer of ${describeCertificate(child)}`;
  return acceptedSignatureAlgorithm(child) === undefined
    ? `${what}, which is signed with an algorithm that is not accepted; use ECDSA, RSA (PKCS #1 v1.5) with SHA-256 or longer, or Ed25519`
    : `${what}, but its key did not sign it`;
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

/** To the second, as certificates are. */
function utc(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(0, 19)}Z`;
}

function refuse(problem: string): never {
  throw new MeshError('ERR_PATH', problem);
}
