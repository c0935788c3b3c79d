import { Command } from 'commander';
import { parseDuration } from '../lib/duration.ts';
import { parseAddress } from './address.ts';
import { dataDirOf, dataDirOption, withExamples } from './options.ts';
import { untilStopped } from './until-stopped.ts';

interface UpOptions {
  readonly dataDir?: string;
  readonly xds: string;
  readonly trustDomain: string;
  readonly svidLifetime: string;
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
    .action(async (options: UpOptions) => {
      const dataDir = dataDirOf(options);
      const config = {
        dataDir,
        xds: parseAddress(options.xds),
        trustDomain: options.trustDomain,
        rootNamespace: 'istio-system',
        svidLifetimeMs: parseDuration(options.svidLifetime),
      };
      // Loaded when it is needed: the other commands start faster without it.
      const { runControlPlane } = await import('../app/control-plane.ts');
      await untilStopped((signal) =>
        runControlPlane(config, signal, ({ xdsPort, rootFingerprint }) => {
          const lines = [
            `control plane of trust domain "${config.trustDomain}" is up`,
            `  sidecars     ${config.xds.host}:${xdsPort}`,
            `  data         ${dataDir}`,
            `  root         sha256 ${rootFingerprint}`,
            'next: hauberk apply -f FILE, hauberk token create --service-account NAMESPACE/NAME',
          ];
          process.stdout.write(`${lines.join('\n')}\n`);
        }),
      );
    });
  return withExamples(
    command,
    'hauberk up',
    'hauberk up --data-dir /var/lib/hauberk --xds 10.0.0.5:15012',
  );
}
