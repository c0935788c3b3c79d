import type { PeerAuthentication } from '../../src/resources/kinds/peer-authentication.ts';

// ---- a naive reading of istio-semantics 1.1, word by word: no scopes, no reasons

export type NaiveMode = 'DISABLE' | 'PERMISSIVE' | 'STRICT';

interface NaiveWorkload {
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** The mode of one port of a workload. */
export function naiveMode(
  policies: readonly PeerAuthentication[],
  workload: NaiveWorkload,
  port: number,
  root: string,
): NaiveMode {
  const winners = naiveWinners(policies, workload, root);
  let mode: NaiveMode = 'PERMISSIVE';
  for (const winner of winners) mode = said(winner?.spec.mtls?.mode) ?? mode;
  const [, , ofWorkload] = winners;
  return said(ofWorkload?.spec.portLevelMtls?.[`${port}`]?.mode) ?? mode;
}

/** The mode of a namespace, which clients ask about. */
export function naiveNamespaceMode(
  policies: readonly PeerAuthentication[],
  namespace: string,
  root: string,
): NaiveMode {
  const [mesh, ofNamespace] = naiveWinners(policies, { namespace, labels: {} }, root);
  return said(ofNamespace?.spec.mtls?.mode) ?? said(mesh?.spec.mtls?.mode) ?? 'PERMISSIVE';
}

/** The oldest for the mesh, the oldest for the namespace, the oldest that selects the workload. */
function naiveWinners(
  policies: readonly PeerAuthentication[],
  { namespace, labels }: NaiveWorkload,
  root: string,
): readonly (PeerAuthentication | undefined)[] {
  const byAge = [...policies].sort((a, b) => (ageKey(a) < ageKey(b) ? -1 : 1));
  const wanted = ({ spec }: PeerAuthentication) => Object.entries(spec.selector?.matchLabels ?? {});
  const isIn = (name: string) => (each: PeerAuthentication) => each.metadata.namespace === name;
  const wide = byAge.filter((each) => wanted(each).length === 0);
  const narrow = byAge.filter((each) => wanted(each).length > 0);
  const isElsewhere = namespace !== root;
  return [
    wide.find(isIn(root)),
    isElsewhere ? wide.find(isIn(namespace)) : undefined,
    isElsewhere
      ? narrow
          .filter(isIn(namespace))
          .find((each) => wanted(each).every(([key, value]) => labels[key] === value))
      : undefined,
  ];
}

/** Sorts as text: the second of creation, the name, the namespace. */
function ageKey({ metadata }: PeerAuthentication): string {
  const { creationTimestamp = '', name, namespace = '' } = metadata;
  return [creationTimestamp.slice(0, '2026-01-01T00:00:00'.length), name, namespace].join('\u0000');
}

function said(mode: string | undefined): NaiveMode | undefined {
  return mode === undefined || mode === 'UNSET' ? undefined : (mode as NaiveMode);
}
