import { expect, it } from 'vitest';
import { builtInKinds } from '../../resources/kinds.ts';
import type { Happening } from './event-recorder.ts';
import { recordedHappenings } from './recorded-happenings.ts';

function rig() {
  const happenings: Happening[] = [];
  const recorder = { record: (happening: Happening) => void happenings.push(happening) };
  const kindOf = (kind: string) => builtInKinds.byQualifiedKind(kind);
  return { happenings, events: recordedHappenings(recorder, { rootNamespace: 'root', kindOf }) };
}

it('tells of certificates at the service account that they are for', () => {
  const { events, happenings } = rig();
  const id = 'spiffe://cluster.local/ns/shop/sa/web';
  const times = { serial: '1', notBeforeMs: 0, notAfterMs: 1, peerAddress: '10.0.0.1' };
  events.certificateIssued?.({ id, by: 'enrolment token', ...times });
  const about = { kind: 'ServiceAccount', namespace: 'shop', name: 'web' };
  expect(happenings).toEqual([
    expect.objectContaining({ about, type: 'Normal', reason: 'CertificateIssued' }),
  ]);
});

it('tells at the control plane what is about nobody that is known', () => {
  const { events, happenings } = rig();
  const refusal = { code: 'ERR_UNAUTHENTICATED', reason: 'no token', peerAddress: 'x' } as const;
  events.certificateRefused?.({ ...refusal, id: undefined });
  events.certificateRefused?.({ ...refusal, id: 'nonsense' });
  const about = { kind: 'Deployment.apps', namespace: 'root', name: 'istiod' };
  expect(happenings.map((happening) => happening.about)).toEqual([about, about]);
});

it('tells at a trust domain that its endpoint fails', () => {
  const { events, happenings } = rig();
  const about = { kind: 'FederatedTrustDomain.security.hauberk.dev', name: 'other' };
  events.taskFailed?.({ task: 'fetch the bundle of "other"', reason: 'refused', about });
  expect(happenings).toEqual([expect.objectContaining({ about, type: 'Warning' })]);
});

it('tells at each object of a kind that nothing acts on', () => {
  const { events, happenings } = rig();
  const written = { action: 'created', resourceVersion: '1' } as const;
  const inert = builtInKinds.definitions.find((definition) => definition.inert === true);
  const kind = `${inert?.kind}.${inert?.group}`;
  const policy = { kind: 'PeerAuthentication.security.istio.io', namespace: 'shop', name: 'a' };
  events.resourcesChanged?.({
    actor: 'joe',
    changes: [
      { key: { kind, namespace: 'shop', name: 'a' }, ...written },
      { key: { kind, namespace: 'shop', name: 'b' }, ...written, action: 'deleted' },
      { key: policy, ...written },
    ],
  });
  expect(happenings.map(({ about, reason }) => [about.name, about.kind, reason])).toEqual([
    ['a', kind, 'Inert'],
  ]);
});
