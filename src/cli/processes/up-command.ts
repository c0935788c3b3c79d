import { Command, Option } from 'commander';
import { type CaKeyAlgorithm, caKeyAlgorithms } from '../../app/control-plane/ca-key-algorithms.ts';
import type {
  ControlPlaneConfig,
  ControlPlaneReady,
} from '../../app/control-plane/control-plane-config.ts';
import { ROOT_NAMESPACE } from '../../app/data-dir.ts';
import { formatDuration, parseDuration } from '../../lib/duration.ts';
import { packageVersion } from '../../lib/package-version.ts';
import { parseAddress } from '../address.ts';
import { masterKeyOption, masterKeySources } from '../authority/master-key-options.ts';
import { dataDirOf, dataDirOption, outputOption, withExamples } from '../options.ts';
import { type OutputFormat, print } from '../output.ts';
import { untilStopped } from '../until-stopped.ts';
import { bundleEndpointOf } from './bundle-endpoint-flags.ts';
import { monitoringAddress } from './monitoring-flags.ts';
import { addTokenOptions, type TokenOptions, tokenConfigOf } from './token-options.ts';

interface UpOptions extends TokenOptions {
  readonly dataDir?: string;
  readonly xds: string;
  readonly apiListen: string;
  readonly trustDomain: string;
  readonly svidLifetime: string;
  readonly masterKeyFile?: string;
  readonly caKeyAlgorithm?: CaKeyAlgorithm;
  readonly caDir?: string;
  readonly replaceExpiredRoot?: boolean;
  readonly reenrolGrace: string;
  readonly bundleEndpoint?: string;
  readonly bundleEndpointCert?: string;
  readonly bundleEndpointKey?: string;
  readonly bundleRefreshHint: string;
  readonly jwksAllow?: readonly string[];
  readonly metrics?: string;
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
    .option(
      '--api-listen <host:port>',
      'where kubectl and other clients reach the resource API',
      '127.0.0.1:6443',
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
      'plug-in CA: directory with ca-cert.pem, ca-key.pem, root-cert.pem, cert-chain.pem, or tls.crt, tls.key, ca.crt; with ca-crl.pem, lists of the authorities above; kept as Secret cacerts',
    )
    .option(
      '--replace-expired-root',
      'make a new root if the stored one has expired; every workload must be enrolled anew',
    )
    .option(
      '--bundle-endpoint <host:port>',
      'serve the trust bundle to other trust domains: https_spiffe, or https_web with the two files below (default: off)',
    )
    .option('--bundle-endpoint-cert <file>', 'web certificate of the bundle endpoint, PEM chain')
    .option('--bundle-endpoint-key <file>', 'its private key')
    .option(
      '--bundle-refresh-hint <duration>',
      'how often other trust domains should look for a newer bundle',
      '5m',
    )
    .option(
      '--jwks-allow <range...>',
      'addresses that keys of RequestAuthentications may be fetched from although they are blocked by default: loopback, link-local, metadata services',
    )
    .option(
      '--metrics <host:port>',
      'metrics for Prometheus and health checks, or "off" (default: 127.0.0.1:15014 if that is free)',
    )
    .option(
      '--reenrol-grace <duration>',
      'how long after the end of its certificate a workload that crashed or was away may come back without a token; 0 = never',
      '72h',
    )
    .addOption(masterKeyOption())
    .addOption(outputOption())
    .action(async (options: UpOptions) => {
      const dataDir = dataDirOf(options);
      const config = {
        dataDir,
        xds: parseAddress(options.xds),
        api: parseAddress(options.apiListen),
        trustDomain: options.trustDomain,
        rootNamespace: ROOT_NAMESPACE,
        svidLifetimeMs: parseDuration(options.svidLifetime),
        masterKey: masterKeySources(options),
        caKeyAlgorithm: options.caKeyAlgorithm,
        caDir: options.caDir,
        replaceExpiredRoot: options.replaceExpiredRoot,
        bundleEndpoint: bundleEndpointOf(options),
        monitoring: {
          address: monitoringAddress(options.metrics, 15_014),
          version: packageVersion(),
        },
        tokens: tokenConfigOf(options),
        allowedKeyAddresses: options.jwksAllow,
        reenrolGraceMs: options.reenrolGrace === '0' ? 0 : parseDuration(options.reenrolGrace),
      };
      // Loaded when it is needed: the other commands start faster without it.
      const { runControlPlane } = await import('../../app/control-plane/control-plane.ts');
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
  addTokenOptions(command);
  return withExamples(
    command,
    'hauberk up',
    'hauberk up --data-dir /var/lib/hauberk --xds 10.0.0.5:15012',
  );
}

function upText(config: ControlPlaneConfig, ready: ControlPlaneReady): string {
  const { xdsPort, apiPort, bundlePort, oidcPort, rootFingerprint, svidLifetimeMs } = ready;
  const { monitoringAt, monitoringProblem } = ready;
  return [
    `control plane of trust domain "${config.trustDomain}" is up`,
    `  sidecars     ${config.xds.host}:${xdsPort}`,
    `  resource API ${config.api.host}:${apiPort}`,
    ...(bundlePort === undefined
      ? []
      : [`  bundle       https://${config.bundleEndpoint?.listen.host}:${bundlePort}/`]),
    ...(oidcPort === undefined ? [] : [`  OIDC         ${config.tokens?.oidc?.host}:${oidcPort}`]),
    `  metrics      ${monitoringAt === undefined ? `off${problemText(monitoringProblem)}` : `http://${monitoringAt}/metrics`}`,
    `  data         ${config.dataDir}`,
    `  root         sha256 ${rootFingerprint}`,
    ...(svidLifetimeMs < config.svidLifetimeMs
      ? [`  certificates last ${formatDuration(svidLifetimeMs)}: the chain of the CA ends then`]
      : []),
    `kubectl:  export KUBECONFIG=${ready.kubeconfig}`,
    'next: hauberk apply -f FILE, hauberk token create --service-account NAMESPACE/NAME',
  ].join('\n');
}

function problemText(problem: string | undefined): string {
  return problem === undefined ? '' : `: ${problem}`;
}
