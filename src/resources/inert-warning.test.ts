import { expect, it } from 'vitest';
import { inertWarning } from './inert-warning.ts';
import { kindNamed } from './kinds.ts';
import { parseManifest } from './parse-manifest.ts';

it.each(['telemetry', 'virtualservice', 'certificate'])(
  'says of a %s that nothing acts on it',
  (name) => {
    const definition = kindNamed(name);
    expect(definition && inertWarning(definition)?.message).toContain('nothing in the mesh acts');
  },
);

it.each(['authorizationpolicy', 'requestauthentication', 'destinationrule', 'serviceentry'])(
  'says nothing of a %s',
  (name) => {
    const definition = kindNamed(name);
    expect(definition && inertWarning(definition)).toBeUndefined();
  },
);

it('is told with the file and the line to those who apply a manifest', () => {
  const text =
    'apiVersion: telemetry.istio.io/v1\nkind: Telemetry\nmetadata: { name: all }\nspec: {}\n';
  const [document] = parseManifest(text, { source: 'all.yaml' });
  expect(document?.warnings).toEqual([
    'all.yaml:1: Telemetry "all": Telemetry is stored and shown, but nothing in the mesh acts on it yet',
  ]);
});
