import { expect, it } from 'vitest';
import { resourceOf } from '../../../test/kit/validated.ts';
import { verbsOf } from '../kind-definition.ts';
import { deployment } from './deployment.ts';
import { pod } from './pod.ts';

it('lets Pods and Deployments be seen only', () => {
  for (const definition of [pod, deployment]) {
    expect(verbsOf(definition)).toEqual(['get', 'list', 'watch']);
    expect(definition.origin).toBe('derived');
  }
  expect(pod.subresources).toEqual({ log: true });
});

it('shows of a Pod how much of it runs', () => {
  const resource = resourceOf(
    '{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: a}, {name: b, ports: [{containerPort: 80}]}]}, status: {phase: Running, containerStatuses: [{ready: true, restartCount: 2}, {ready: false, restartCount: 1}]}}',
  );
  const cells = new Map(pod.columns.map((column) => [column.name, column.cell?.(resource)]));
  expect([cells.get('Ready'), cells.get('Restarts')]).toEqual(['1/2', '3']);
});

it('shows of a Deployment how many are ready', () => {
  const resource = resourceOf(
    '{apiVersion: apps/v1, kind: Deployment, metadata: {name: a}, spec: {replicas: 2, selector: {matchLabels: {app: istiod}}, template: {}}, status: {readyReplicas: 1}}',
  );
  expect(deployment.columns[0]?.cell?.(resource)).toBe('1/2');
});
