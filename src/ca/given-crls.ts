import { MeshError, messageOf } from '../lib/errors.ts';
import type { Certificate } from '../x509/certificate.ts';
import { type Crl, isCrlSignedBy, parseCrl } from '../x509/crl.ts';
import { quoteName } from '../x509/describe-certificate.ts';
import { decodePem } from '../x509/pem.ts';
import type { IssuedCrl } from './certificate-authority.ts';
import type { SigningChain } from './signing-chain.ts';

/** The lists of the authorities above a signer, which the operator's own CA has signed: one each. */
export type GivenCrls = readonly IssuedCrl[];

/** Of ca-crl.pem. Two slots of it fit into one Secret. */
export const MAX_CRL_BYTES = 384 * 1024;
const MOST_LISTS = 16;

/**
 * Reads ca-crl.pem. Each list must be signed by an authority of `chain`, which may sign lists, must not be
 * of the future, and must not revoke what the chain is made of. Of two lists of one authority the
 * newer counts. An empty one of the signer is passed over: the mesh makes that itself. One that has
 * ended is kept: `givenCrls` says so.
 *
 * @throws {MeshError} ERR_STORE with the list and what is wrong with it.
 */
export function decodeGivenCrls(
  pem: string | undefined,
  { chain, nowMs }: { readonly chain: SigningChain; readonly nowMs: number },
): GivenCrls {
  if (pem === undefined) return [];
  const newest = new Map<Certificate, IssuedCrl>();
  for (const crl of listsOf(pem)) {
    const issuer = issuerOf(crl, chain);
    checkList(crl, { chain, nowMs });
    if (issuer === chain.signer.certificate) {
      if (crl.entries.length === 0) continue;
      refuse(
        `${nameOf(crl)} is that of ca-cert.pem, which the mesh makes itself; revoke what it names with \`hauberk certs revoke\`, and leave it out`,
      );
    }
    const before = newest.get(issuer);
    if (before === undefined || isNewer(crl, before.crl)) newest.set(issuer, { issuer, crl });
  }
  return [...newest.values()];
}

/** Whether `crl` is from after `other`, of the same authority. */
export function isNewer(crl: Crl, other: Crl): boolean {
  return crl.thisUpdateMs > other.thisUpdateMs;
}

/** What can be given out of the lists in use, and why it is nothing where some were given. */
export interface UsableGivenCrls {
  readonly crls: GivenCrls;
  readonly gap: string | undefined;
}

/** Shortly before its end a list is given out no more: whoever has one that ended refuses everybody. */
const MARGIN_MS = 10 * 60_000;

/**
 * The lists of several slots, the newest of each authority, if every authority above any signer has
 * one that lasts. Else none: who checks some lists refuses all that is signed by an authority without.
 * One that revokes what another slot signs through waits until that slot is retired.
 */
export function givenCrls(
  slots: readonly { readonly chain: SigningChain; readonly crls: GivenCrls }[],
  nowMs: number,
): UsableGivenCrls {
  const given = slots.flatMap(({ crls }) => crls);
  if (given.length === 0) return { crls: [], gap: undefined };
  const newest = new Map<string, IssuedCrl>();
  for (const each of given) {
    if (slots.some(({ chain }) => revokedIn(chain, each.crl) !== undefined)) continue;
    const before = newest.get(keyOf(each.issuer));
    if (before === undefined || isNewer(each.crl, before.crl)) newest.set(keyOf(each.issuer), each);
  }
  for (const authority of slots.flatMap(({ chain }) => [...chain.above, ...chain.roots])) {
    const gap = gapOf(authority, newest.get(keyOf(authority))?.crl, nowMs);
    if (gap !== undefined) return { crls: [], gap };
  }
  return { crls: [...newest.values()], gap: undefined };
}

function gapOf({ subject }: Certificate, crl: Crl | undefined, nowMs: number): string | undefined {
  const remedy =
    'so Envoys check no lists. Put one where --ca-dir points and run `hauberk ca reload`';
  if (crl === undefined) return `ca-crl.pem has no list of ${quoteName(subject)}, ${remedy}`;
  const { nextUpdateMs = 0 } = crl;
  if (nextUpdateMs - nowMs > MARGIN_MS) return undefined;
  return `the list of ${quoteName(subject)} in ca-crl.pem ends at ${timeOf(nextUpdateMs)}, ${remedy}`;
}

/** The same key under the same name, whichever certificate of it a slot has. */
function keyOf({ subjectDer, spkiDer }: Certificate): string {
  return [subjectDer, spkiDer].map((der) => Buffer.from(der).toString('base64')).join(' ');
}

function listsOf(pem: string): Crl[] {
  try {
    const bounds = { maxBlocks: MOST_LISTS, maxBytes: MAX_CRL_BYTES };
    return decodePem(pem, 'X509 CRL', bounds).map(parseCrl);
  } catch (error) {
    return refuse(messageOf(error), error);
  }
}

function issuerOf(crl: Crl, { signer, above, roots }: SigningChain): Certificate {
  const named = [signer.certificate, ...above, ...roots].filter(
    ({ subjectDer }) => Buffer.compare(subjectDer, crl.issuerDer) === 0,
  );
  if (named.length === 0) refuse(`${nameOf(crl)} is of no authority of the chain`);
  const issuer = named.find(({ publicKey }) => isCrlSignedBy(crl, publicKey));
  if (issuer === undefined) refuse(`${nameOf(crl)} is not signed by the key of that authority`);
  if (issuer.keyUsage?.has('cRLSign') ?? true) return issuer;
  return refuse(`${nameOf(crl)} is signed by an authority without the key usage cRLSign`);
}

function checkList(
  crl: Crl,
  { chain, nowMs }: { readonly chain: SigningChain; readonly nowMs: number },
): void {
  const [unknown] = crl.unknownCritical;
  if (unknown !== undefined) {
    refuse(`${nameOf(crl)} has the critical extension ${unknown}; only complete lists are taken`);
  }
  if (crl.nextUpdateMs === undefined) refuse(`${nameOf(crl)} does not say until when it counts`);
  if (crl.thisUpdateMs > nowMs) {
    refuse(
      `${nameOf(crl)} begins at ${timeOf(crl.thisUpdateMs)}, the clock says ${timeOf(nowMs)}; one of the two is wrong`,
    );
  }
  const revoked = revokedIn(chain, crl);
  if (revoked === undefined) return;
  refuse(
    `${nameOf(crl)} revokes ${quoteName(revoked.subject)} (serial ${revoked.serial}), through which this mesh signs; have your CA sign another`,
  );
}

/** What of the chain a list of its authorities revokes. */
function revokedIn({ signer, above, roots }: SigningChain, crl: Crl): Certificate | undefined {
  return [signer.certificate, ...above, ...roots].find(
    ({ issuerDer, serial }) =>
      Buffer.compare(issuerDer, crl.issuerDer) === 0 &&
      crl.entries.some((entry) => entry.serial === serial),
  );
}

function nameOf({ issuer }: Crl): string {
  return `the list of ${quoteName(issuer)}`;
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}

function refuse(reason: string, cause?: unknown): never {
  throw new MeshError('ERR_STORE', `the plug-in CA cannot be used: ca-crl.pem: ${reason}`, {
    cause,
  });
}
