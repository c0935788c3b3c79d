import { Type } from 'typebox';
import {
  anyObject,
  atomicTexts,
  flag,
  int32,
  int64,
  intOrString,
  list,
  text,
  textMap,
} from '../fields.ts';
import { lazy } from '../lazy.ts';
import { closed } from '../schema.ts';
import { atomicList, mapList } from '../schema-annotations.ts';

const container = lazy(() =>
  closed(
    {
      name: Type.String({ description: 'Name of the container.' }),
      image: text('What it runs; for processes outside of Kubernetes the program.'),
      imagePullPolicy: text('When the image is fetched.'),
      command: atomicTexts('Program.'),
      args: atomicTexts('Arguments.'),
      workingDir: text('Working directory.'),
      ports: list(
        closed(
          {
            name: text('Its name.'),
            containerPort: Type.Integer({ description: 'Its number.' }),
            hostPort: int32('Port of the host.'),
            hostIP: text('Address of the host.'),
            protocol: text('TCP where it is left out.', { default: 'TCP' }),
          },
          'One port.',
        ),
        'Ports that it listens on.',
        mapList('containerPort', 'protocol'),
      ),
      env: list(
        closed(
          {
            name: Type.String({ description: 'Its name.' }),
            value: text('Its value.'),
            valueFrom: anyObject('Where its value comes from.'),
          },
          'One variable.',
        ),
        'Environment.',
        mapList('name'),
      ),
      envFrom: list(anyRecord('One source.'), 'Sources of the environment.', { ...atomicList() }),
      resources: Type.Optional(
        closed(
          {
            limits: anyObject('At most.'),
            requests: anyObject('At least.'),
            claims: list(anyRecord('One claim.'), 'Claims.', mapList('name')),
          },
          'Processor and memory.',
        ),
      ),
      volumeMounts: list(anyRecord('One mount.'), 'Mounts.', mapList('mountPath')),
      volumeDevices: list(anyRecord('One device.'), 'Devices.', mapList('devicePath')),
      livenessProbe: Type.Optional(probe()),
      readinessProbe: Type.Optional(probe()),
      startupProbe: Type.Optional(probe()),
      lifecycle: anyObject('What happens at start and end.'),
      securityContext: anyObject('User, group and rights.'),
      restartPolicy: text('When it is started again.'),
      resizePolicy: list(anyRecord('One policy.'), 'What a resize does.', { ...atomicList() }),
      stdin: flag('Whether it has an input.'),
      stdinOnce: flag('Whether the input is for one client.'),
      tty: flag('Whether it has a terminal.'),
      terminationMessagePath: text('File with last words.'),
      terminationMessagePolicy: text('Where last words come from.'),
    },
    'One process.',
  ),
);

const probe = lazy(() =>
  closed(
    {
      httpGet: anyObject('By a GET.'),
      tcpSocket: anyObject('By a connection.'),
      exec: anyObject('By a command.'),
      grpc: anyObject('By the health service of gRPC.'),
      initialDelaySeconds: int32('Seconds to the first.'),
      timeoutSeconds: int32('Seconds that one may take.'),
      periodSeconds: int32('Seconds between two.'),
      successThreshold: int32('Successes in a row.'),
      failureThreshold: int32('Failures in a row.'),
      terminationGracePeriodSeconds: int64('Seconds to the end.'),
    },
    'How it is found out how it is.',
  ),
);

function anyRecord(description: string) {
  return Type.Record(Type.String(), Type.Unknown(), {
    'x-kubernetes-preserve-unknown-fields': true,
    description,
  });
}

/** Kubernetes' PodSpec: containers and where they run. */
export const podSpecSchema = lazy(() =>
  closed(
    {
      containers: Type.Array(container(), { description: 'Processes.', ...mapList('name') }),
      initContainers: list(container(), 'Processes that run before them.', mapList('name')),
      ephemeralContainers: list(container(), 'Processes added for a look.', mapList('name')),
      volumes: list(anyRecord('One volume.'), 'Volumes.', mapList('name')),
      serviceAccountName: text('Whom it runs as.'),
      serviceAccount: text('Old name of serviceAccountName.'),
      automountServiceAccountToken: flag('Whether it gets a token.'),
      nodeName: text('Host it runs on.'),
      nodeSelector: textMap('Labels of hosts that it may run on.'),
      hostname: text('Its host name.'),
      subdomain: text('Its subdomain.'),
      setHostnameAsFQDN: flag('Whether the host name is the full one.'),
      hostNetwork: flag('Whether it has the network of the host.'),
      hostPID: flag('Whether it sees the processes of the host.'),
      hostIPC: flag('Whether it has the IPC of the host.'),
      hostUsers: flag('Whether it has the users of the host.'),
      hostAliases: list(anyRecord('One entry.'), 'Entries of /etc/hosts.', mapList('ip')),
      shareProcessNamespace: flag('Whether its processes see each other.'),
      restartPolicy: text('When they are started again.'),
      terminationGracePeriodSeconds: int64('Seconds from the request to end to the kill.'),
      activeDeadlineSeconds: int64('Seconds that it may run.'),
      dnsPolicy: text('Where names are looked up.'),
      dnsConfig: anyObject('Settings of that.'),
      securityContext: anyObject('User, group and rights.'),
      imagePullSecrets: list(anyRecord('One Secret.'), 'Secrets for images.', mapList('name')),
      affinity: anyObject('Where it likes to run.'),
      tolerations: list(anyRecord('One taint.'), 'Taints it bears.', { ...atomicList() }),
      topologySpreadConstraints: list(
        anyRecord('One constraint.'),
        'How replicas are spread.',
        mapList('topologyKey', 'whenUnsatisfiable'),
      ),
      schedulerName: text('Who chooses its host.'),
      schedulingGates: list(anyRecord('One gate.'), 'What holds it back.', mapList('name')),
      priorityClassName: text('Its priority, by name.'),
      priority: int32('Its priority.'),
      preemptionPolicy: text('Whether it pushes others aside.'),
      runtimeClassName: text('What runs it.'),
      overhead: anyObject('What running it takes beside.'),
      enableServiceLinks: flag('Whether Services are in its environment.'),
      readinessGates: list(anyRecord('One gate.'), 'Further conditions.', { ...atomicList() }),
      os: anyObject('Its operating system.'),
      resourceClaims: list(anyRecord('One claim.'), 'Claims.', mapList('name')),
      resources: anyObject('Processor and memory of the whole.'),
    },
    'Processes and where they run.',
  ),
);

/** Kubernetes' rolling update bounds, by number or share. */
export const rollingUpdate = lazy(() =>
  closed(
    {
      maxSurge: intOrString('How many more there may be meanwhile.'),
      maxUnavailable: intOrString('How many fewer there may be meanwhile.'),
    },
    'How replicas are replaced one by one.',
  ),
);
