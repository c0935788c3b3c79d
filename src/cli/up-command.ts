import { Command, Option } from 'commander';
import { type CaKeyAlgorithm, caKeyAlgorithms } from '../app/ca-key-algorithms.ts';
import type { ControlPlaneConfig, ControlPlaneReady } from '../app/control-plane.ts';
import { ROOT_NAMESPACE } from '../app/data-dir.ts';
import { formatDuration, parseDuration } from '../lib/duration.ts';
import { parseAddress } from './address.ts';
import { masterKeyOption, masterKeySources } from './master-key-options.ts';
import { dataDirOf, dataDirOption, outputOption, withExamples } from './options.ts';
import { type OutputFormat, print } from './output.ts';
import { untilStopped } from './until-stopped.ts';

interface UpOptions {
  readonly dataDir?: string;
  readonly xds: string;
  readonly trustDomain: string;
  readonly svidLifetime: string;
  readonly masterKeyFile?: string;
  readonly caKeyAlgorithm?: CaKeyAlgorithm;
  readonly caDir?: string;
  readonly replaceExpiredRoot?: boolean;
  readonly output: OutputFormat;
}

/** `hauberk up`: the control plane in the foreground. */
export function upCommand(): Command {
  const command = new Command('up')
    .description('run the control plane: certificate authority, resources, distribution')
    .addOption(dataDirOption())
    .option(
      '--xds <host:port>',
      'where sidecars reach it (certificates and facts)',
      '0.0.0.0:15012',
    )
    .option('--trust-domain <name>', 'trust domain of a new mesh', 'cluster.local')
    .option('--svid-lifetime <duration>', 'how long certificates of workloads last', '24h')
    .addOption(
      new Option(
        '--ca-key-algorithm <name>',
        'keys that the authority makes (default: ecdsa-p256, and for later ones as the root has)',
      ).choices(caKeyAlgorithms),
    )
    .option(
      '--ca-dir <path>',
      'plug-in CA: directory with ca-cert.pem, ca-key.pem, root-cert.pem, cert-chain.pem, or tls.crt, tls.key, ca.crt; kept as Secret cacerts',
    )
    .option(
      '--replace-expired-root',
      'make a new root if the stored one has expired; every workload must be enrolled anew',
    )
    .addOption(masterKeyOption())
    .addOption(outputOption())
    .action(async (options: UpOptions) => {
      const dataDir = dataDirOf(options);
      const config = {
        dataDir,
        xds: parseAddress(options.xds),
        trustDomain: options.trustDomain,
        rootNamespace: ROOT_NAMESPACE,
        svidLifetimeMs: parseDuration(options.svidLifetime),
        masterKey: masterKeySources(options),
        caKeyAlgorithm: options.caKeyAlgorithm,
        caDir: options.caDir,
        replaceExpiredRoot: options.replaceExpiredRoot,
      };
      // Loaded when it is needed: the other commands start faster without it.
      const { runControlPlane } = await import('../app/control-plane.ts');
      await untilStopped((signal) =>
        runControlPlane(config, signal, (ready) => {
          const reload = (): void => void ready.reload();
          process.on('SIGHUP', reload);
          signal.addEventListener('abort', () => process.off('SIGHUP', reload), { once: true });
          const value = { ...ready, dataDir, trustDomain: config.trustDomain };
          print(options.output, value, () => upText(config, ready));
        }),
      );
    });
  return withExamples(
    command,
    'hauberk up',
    'hauberk up --data-dir /var/lib/hauberk --xds 10.0.0.5:15012',
  );
}

function upText(
  config: ControlPlaneConfig,
  { xdsPort, rootFingerprint, svidLifetimeMs }: ControlPlaneReady,
): string {
  return [
    `control plane of trust domain "${config.trustDomain}" is up`,
    `  sidecars     ${config.xds.host}:${xdsPort}`,
    `  data         ${config.dataDir}`,
    `  root         sha256 ${rootFingerprint}`,
    ...(svidLifetimeMs < config.svidLifetimeMs
      ? [`  certificates last ${formatDuration(svidLifetimeMs)}: the chain of the CA ends then`]
      : []),
    'next: hauberk apply -f FILE, hauberk token create --service-account NAMESPACE/NAME',
  ].join('\n');
}
