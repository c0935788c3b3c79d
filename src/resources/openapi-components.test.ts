import { expect, it } from 'vitest';
import type { KindDefinition } from './kind-definition.ts';
import { kindNamed, kinds } from './kinds.ts';
import {
  componentName,
  metaComponents,
  OBJECT_META,
  openApiComponents,
} from './openapi-components.ts';
import type { OpenApiSchema } from './openapi-schema.ts';

function components(name: string, version = 'v1') {
  return openApiComponents(kindNamed(name) as KindDefinition, version);
}

function field(schema: OpenApiSchema | undefined, ...path: string[]): OpenApiSchema {
  return path.reduce<OpenApiSchema>((at, name) => {
    const { properties = {} } = at as { properties?: Record<string, OpenApiSchema> };
    return properties[name] ?? {};
  }, schema ?? {});
}

it.each([
  ['pa', 'v1beta1', 'io.istio.security.v1beta1.PeerAuthentication'],
  ['svc', 'v1', 'io.k8s.api.core.v1.Service'],
])('names the schema of %s as Kubernetes does', (name, version, component) => {
  expect(componentName(kindNamed(name) as KindDefinition, version)).toBe(component);
  expect(Object.keys(components(name, version))).toEqual([component, `${component}List`]);
});

it('says of each kind what it is, and where its metadata is described', () => {
  const schema = components('pa')['io.istio.security.v1.PeerAuthentication'];
  expect(schema).toMatchObject({
    type: 'object',
    'x-kubernetes-group-version-kind': [
      { group: 'security.istio.io', version: 'v1', kind: 'PeerAuthentication' },
    ],
  });
  expect(field(schema, 'metadata')['allOf']).toEqual([
    { $ref: `#/components/schemas/${OBJECT_META}` },
  ]);
  expect(field(schema, 'apiVersion')['type']).toBe('string');
  expect(field(schema, 'spec', 'mtls', 'mode')['enum']).toContain('STRICT');
  expect(metaComponents()[OBJECT_META]).toBeDefined();
});

it('writes maps, open objects and numbers that may be names as OpenAPI has them', () => {
  const schema = components('svc')['io.k8s.api.core.v1.Service'];
  expect(field(schema, 'spec', 'selector')).toMatchObject({
    type: 'object',
    additionalProperties: { type: 'string' },
  });
  expect(field(schema, 'status')).toMatchObject({
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
  });
  const { items } = field(schema, 'spec', 'ports') as { items: OpenApiSchema };
  expect(field(items, 'targetPort')).toMatchObject({
    'x-kubernetes-int-or-string': true,
    oneOf: [{ type: 'integer' }, { type: 'string' }],
  });
  expect(field(items, 'targetPort')['type']).toBeUndefined();
});

it('is plain JSON, whose every reference leads somewhere, and of which every field is described', () => {
  const all = { ...metaComponents() };
  for (const definition of kinds)
    for (const version of definition.versions)
      Object.assign(all, openApiComponents(definition, version));
  const text = JSON.stringify(all);
  expect(JSON.parse(text)).toEqual(all);
  expect(text).not.toMatch(/x-hauberk|patternProperties|"additionalProperties":false/);
  const references = [...text.matchAll(/"\$ref":"#\/components\/schemas\/([^"]+)"/g)];
  expect(references.length).toBeGreaterThan(kinds.length);
  for (const [, name = ''] of references) expect(Object.keys(all)).toContain(name);
});
