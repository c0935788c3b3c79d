import { Command } from 'commander';
import type { ControlPlaneConfig, ControlPlaneReady } from '../app/control-plane.ts';
import { ROOT_NAMESPACE } from '../app/data-dir.ts';
import { parseDuration } from '../lib/duration.ts';
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
      };
      // Loaded when it is needed: the other commands start faster without it.
      const { runControlPlane } = await import('../app/control-plane.ts');
      await untilStopped((signal) =>
        runControlPlane(config, signal, (ready) => {
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
  { xdsPort, rootFingerprint }: ControlPlaneReady,
): string {
  return [
    `control plane of trust domain "${config.trustDomain}" is up`,
    `  sidecars     ${config.xds.host}:${xdsPort}`,
    `  data         ${config.dataDir}`,
    `  root         sha256 ${rootFingerprint}`,
    'next: hauberk apply -f FILE, hauberk token create --service-account NAMESPACE/NAME',
  ].join('\n');
}
