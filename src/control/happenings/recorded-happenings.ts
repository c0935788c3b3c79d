import { describeFallback } from '../../policy/fallback-use.ts';
import type { KindDefinition } from '../../resources/kind-definition.ts';
import type { ResourceKey } from '../../resources/resource.ts';
import { SpiffeId } from '../../spiffe/spiffe-id.ts';
import type { ControlEvents } from '../control-events.ts';
import type { EventRecorder, Happening } from './event-recorder.ts';

/**
 * What the control plane tells of itself, as happenings to the objects that it is about: a workload's
 * ServiceAccount and Pod, a policy, and the Deployment `istiod` for what is about the mesh.
 */
export function recordedHappenings(
  recorder: EventRecorder,
  {
    rootNamespace,
    kindOf,
  }: {
    readonly rootNamespace: string;
    readonly kindOf: KindOf;
  },
): Partial<ControlEvents> {
  const mesh: ResourceKey = { kind: 'Deployment.apps', namespace: rootNamespace, name: 'istiod' };
  const tell: Tell = (component, about, happening) =>
    recorder.record({
      ...happening,
      about: about ?? mesh,
      component: `hauberk.dev/${component}`,
    });
  return { ...workloadHappenings(tell), ...meshHappenings(tell, kindOf) };
}

/** By the kind of a key. */
type KindOf = (qualified: string) => KindDefinition | undefined;

/** About the mesh itself where no object is named. */
type Tell = (
  component: string,
  about: ResourceKey | undefined,
  happening: Omit<Happening, 'about' | 'component'>,
) => void;

function workloadHappenings(tell: Tell): Partial<ControlEvents> {
  return {
    certificateIssued: ({ id, by }) =>
      tell('signing', accountOf(id), {
        type: 'Normal',
        reason: 'CertificateIssued',
        message: `issued a certificate for ${id}, known by ${by}`,
      }),
    certificateRefused: ({ id, code, reason }) =>
      tell('signing', id === undefined ? undefined : accountOf(id), {
        type: 'Warning',
        reason: 'CertificateRefused',
        message: `refused a certificate: ${reason}`,
        series: code,
      }),
    certificateRevoked: ({ id, serial, reason }) =>
      tell('signing', accountOf(id), {
        type: 'Warning',
        reason: 'CertificateRevoked',
        message: `revoked the certificate ${serial}: ${reason}`,
      }),
    ticketReused: ({ serviceAccount }) => {
      const [namespace = '', name = ''] = serviceAccount.split('/');
      tell('signing', accountKey(namespace, name), {
        type: 'Warning',
        reason: 'ReturnTicketReused',
        message: 'a used return ticket was shown again; it is withdrawn with its certificates',
      });
    },
    credentialTold: ({ id, namespace, name, rule, problem }) => {
      const kind = 'DestinationRule.networking.istio.io';
      if (rule === undefined) return;
      tell(
        'credentials',
        { kind, namespace, name: rule },
        problem === undefined
          ? {
              type: 'Normal',
              reason: 'CredentialGiven',
              message: `gave the credential ${namespace}/${name} to ${id}`,
            }
          : { type: 'Warning', reason: 'CredentialMissing', message: `${problem}, for ${id}` },
      );
    },
    fallbackReported: ({ workload, use }) => {
      const [namespace = '', name = ''] = use.policy.split('/');
      const kind = 'FallbackPolicy.security.hauberk.dev';
      tell(
        'fallback',
        { kind, namespace, name },
        {
          type: 'Warning',
          reason: 'FallbackUsed',
          message: `${workload} ${describeFallback(use)}`,
          series: `${workload} ${use.mode} ${use.whose} ${use.id}`,
        },
      );
    },
    agentConnected: ({ workload, id }) =>
      tell('distribution', podOf(workload), {
        type: 'Normal',
        reason: 'Connected',
        message: `the agent of ${id} is connected`,
      }),
    agentDisconnected: ({ workload, id }) =>
      tell('distribution', podOf(workload), {
        type: 'Warning',
        reason: 'Disconnected',
        message: `the agent of ${id} is connected no more; it goes on with the facts that it has`,
      }),
    factsRejected: ({ id, type, reason }) =>
      tell('distribution', accountOf(id), {
        type: 'Warning',
        reason: 'FactsRejected',
        message: `an agent refused ${type} and keeps what it had: ${reason}`,
      }),
  };
}

function meshHappenings(tell: Tell, kindOf: KindOf): Partial<ControlEvents> {
  return {
    authorityRotated: ({ step, role, newSerial, client, lacks }) =>
      tell('authority', undefined, {
        type: client === undefined ? 'Normal' : 'Warning',
        reason: ROTATION[step],
        message: `rotation of the ${role}: ${step}${client === undefined ? '' : ` "${client}", which ${lacks}`}, new serial ${newSerial}`,
      }),
    tokenKeysChanged: ({ action }) => {
      if (action === 'none') return;
      tell('tokens', undefined, {
        type: 'Normal',
        reason: 'TokenKeysChanged',
        message: `keys that sign tokens: ${action}`,
      });
    },
    taskFailed: ({ task, reason, about }) =>
      tell('control-plane', about, {
        type: 'Warning',
        reason: 'Failed',
        message: `could not ${task}, will try again: ${reason}`,
      }),
    resourcesChanged: ({ changes }) => {
      for (const { key, action } of changes) {
        if (action !== 'created' && action !== 'configured') continue;
        if (kindOf(key.kind)?.inert !== true) continue;
        tell('admission', key, {
          type: 'Warning',
          reason: 'Inert',
          message: 'stored and shown, but nothing in the mesh acts on this kind yet',
        });
      }
    },
  };
}

const ROTATION = {
  prepare: 'RotationPrepared',
  amend: 'RotationAmended',
  abort: 'RotationAborted',
  'give-up': 'RotationGaveUp',
  activate: 'RotationActivated',
  retire: 'RotationRetired',
} as const;

/** Undefined for who is no service account of the mesh. */
function accountOf(id: string): ResourceKey | undefined {
  try {
    const { workload } = SpiffeId.parse(id);
    return workload && accountKey(workload.namespace, workload.serviceAccount);
  } catch {
    return undefined;
  }
}

function accountKey(namespace: string, name: string): ResourceKey {
  return { kind: 'ServiceAccount', namespace, name };
}

/** `namespace/name`, as people name workloads. */
function podOf(workload: string): ResourceKey {
  const [namespace = '', name = ''] = workload.split('/');
  return { kind: 'Pod', namespace, name };
}
