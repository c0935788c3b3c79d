import { Type } from 'typebox';
import { flag, int64, intOrString, list, text, texts, word } from '../fields.ts';
import { lazy } from '../lazy.ts';
import { closed, status } from '../schema.ts';
import { setList } from '../schema-annotations.ts';
import { metaLabelSelector } from './meta-label-selector.ts';
import { prometheusSize } from './prometheus-fields.ts';
import { podEndpoints, serviceEndpoints } from './scrape-endpoint-schema.ts';

const PROTOCOLS = [
  'PrometheusProto',
  'OpenMetricsText0.0.1',
  'OpenMetricsText1.0.0',
  'PrometheusText0.0.4',
  'PrometheusText1.0.0',
] as const;

const bound = (description: string) => int64(`${description} 0 is no bound.`, { minimum: 0 });

const shared = lazy(() => ({
  jobLabel: text('Label whose value is the name of the job.'),
  podTargetLabels: texts('Labels of the Pod that metrics get.'),
  selector: metaLabelSelector(),
  selectorMechanism: word(['RelabelConfig', 'RoleSelector'], 'Who applies the selector.'),
  namespaceSelector: Type.Optional(
    closed(
      { any: flag('All of them.'), matchNames: texts('These.') },
      'In which namespaces; its own where it is left out.',
    ),
  ),
  sampleLimit: bound('Most samples of one answer.'),
  targetLimit: bound('Most targets.'),
  labelLimit: bound('Most labels of one sample.'),
  labelNameLengthLimit: bound('Longest name of a label.'),
  labelValueLengthLimit: bound('Longest value of a label.'),
  keepDroppedTargets: bound('Most dropped targets that are remembered.'),
  bodySizeLimit: prometheusSize('Largest answer.'),
  scrapeClass: text('Settings of the Prometheus that are taken.', { minLength: 1 }),
  scrapeProtocols: list(
    Type.Enum([...PROTOCOLS], { type: 'string', description: 'A format.' }),
    'Formats, the preferred one first.',
    { ...setList() },
  ),
  fallbackScrapeProtocol: word([...PROTOCOLS], 'Format where the target says none.'),
  scrapeNativeHistograms: flag('Whether native histograms are taken.'),
  scrapeClassicHistograms: flag('Whether classic histograms are taken beside native ones.'),
  nativeHistogramBucketLimit: bound('Most buckets of a native histogram.'),
  nativeHistogramMinBucketFactor: intOrString('Least factor between two buckets.'),
  convertClassicHistogramsToNHCB: flag('Whether classic histograms become native ones.'),
  attachMetadata: Type.Optional(
    closed({ node: flag('Of the node.') }, 'What is known of a target beside its own.'),
  ),
}));

/** The schema of a ServiceMonitor below its metadata. */
export const serviceMonitorSchema = lazy(() =>
  Type.Object(
    {
      spec: closed(
        {
          ...shared(),
          endpoints: serviceEndpoints(),
          targetLabels: texts('Labels of the Service that metrics get.'),
          serviceDiscoveryRole: word(['Endpoints', 'EndpointSlice'], 'How targets are found.'),
        },
        'Which Services are asked for metrics, and how.',
      ),
      status: Type.Optional(status),
    },
    { additionalProperties: false },
  ),
);

/** The schema of a PodMonitor below its metadata. */
export const podMonitorSchema = lazy(() =>
  Type.Object(
    {
      spec: closed(
        { ...shared(), podMetricsEndpoints: podEndpoints() },
        'Which Pods are asked for metrics, and how.',
      ),
      status: Type.Optional(status),
    },
    { additionalProperties: false },
  ),
);
