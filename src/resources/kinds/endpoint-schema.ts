import { Type } from 'typebox';
import { lazy } from '../lazy.ts';
import { closed, mapOf, port } from '../schema.ts';

const UINT32_MAX = 4_294_967_295;

/** Istio's description of one workload: a WorkloadEntry's spec, an endpoint of a ServiceEntry. */
export const endpointSchema = lazy(() =>
  closed(
    {
      address: Type.Optional(
        Type.String({
          maxLength: 256,
          description: 'IP address, DNS name, or `unix://` socket path; without a port.',
        }),
      ),
      ports: Type.Optional(
        mapOf(
          port('Port of the workload.'),
          'Port of the workload by the name of the Service port; the target port where there is none.',
          { maxProperties: 128 },
        ),
      ),
      labels: Type.Optional(
        mapOf(Type.String(), 'Labels of the workload, which selectors look at.', {
          maxProperties: 256,
        }),
      ),
      network: Type.Optional(
        Type.String({
          maxLength: 2048,
          description: 'Endpoints of one network reach each other directly.',
        }),
      ),
      locality: Type.Optional(
        Type.String({ maxLength: 2048, description: 'Where it runs: `region/zone/sub-zone`.' }),
      ),
      weight: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: UINT32_MAX,
          description: 'Share of the load, beside the weights of the other endpoints.',
        }),
      ),
      serviceAccount: Type.Optional(
        Type.String({
          maxLength: 253,
          description: 'Service account in the namespace of the entry that the workload runs as.',
        }),
      ),
    },
    'One workload outside of Kubernetes: where it is and who it is.',
  ),
);
