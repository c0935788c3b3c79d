import { describe, expect, it } from 'vitest';
import { validateResource } from '../validate-resource.ts';

const good = {
  ...{ serviceAccount: 'reviews', selectors: ['unix:uid:1000'] },
  agents: [{ serviceAccount: 'node' }],
};

function problems(spec: object): string[] {
  const validation = validateResource({
    apiVersion: 'security.hauberk.dev/v1alpha1',
    kind: 'WorkloadRegistration',
    metadata: { name: 'reviews', namespace: 'shop' },
    spec: { ...good, ...spec },
  });
  return 'problems' in validation
    ? validation.problems.map(({ field, message }) => `${field}: ${message}`)
    : [];
}

describe('a WorkloadRegistration', () => {
  it.each([
    {},
    { hint: 'internal', dnsNames: ['reviews.shop.svc', '*.reviews.shop.svc'], lifetime: '1h' },
    { agents: [{ serviceAccount: 'node', namespace: 'infra' }] },
    {
      selectors: [
        'unix:gid:0',
        'unix:path:/a b',
        'unix:cgroup:/x/*',
        `unix:sha256:${'0'.repeat(64)}`,
      ],
    },
  ])('may say %j', (spec) => {
    expect(problems(spec)).toEqual([]);
  });

  it.each([
    [{ selectors: [] }, 'spec.selectors'],
    [{ agents: [] }, 'spec.agents'],
    [{ serviceAccount: 'A/B' }, 'spec.serviceAccount'],
    [{ selectors: ['uid:1000'] }, 'spec.selectors[0]: "uid:1000": must be written unix:FACT:VALUE'],
    [{ selectors: ['unix:user:root'] }, 'spec.selectors[0]'],
    [{ selectors: ['unix:uid:01'] }, 'unix:uid takes a number'],
    [{ selectors: ['unix:uid:1', 'unix:path:bin/x'] }, 'spec.selectors[1]'],
    [{ selectors: ['unix:sha256:AB'] }, 'spec.selectors[0]'],
    [{ selectors: Array(17).fill('unix:uid:1') }, 'spec.selectors'],
    [{ dnsNames: ['a..b'] }, 'spec.dnsNames[0]'],
    [{ agents: [{ serviceAccount: 'node', namespace: '' }] }, 'spec.agents[0].namespace'],
    [{ hint: '€'.repeat(342) }, 'spec.hint: must be at most 1024 bytes'],
    [{ lifetime: 'long' }, 'spec.lifetime'],
    [{ lifetime: '0s' }, 'spec.lifetime'],
  ])('may not say %j', (spec, problem) => {
    expect(problems(spec)).toEqual([expect.stringContaining(problem)]);
  });

  it('is warned of when nothing could ever match it', () => {
    const validation = validateResource({
      apiVersion: 'security.hauberk.dev/v1alpha1',
      kind: 'WorkloadRegistration',
      metadata: { name: 'reviews', namespace: 'shop' },
      spec: { ...good, selectors: ['unix:uid:1', 'unix:uid:2'] },
    });
    expect(validation).toMatchObject({ warnings: [{ field: 'spec.selectors' }] });
  });
});
