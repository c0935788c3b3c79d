import { expect, it } from 'vitest';
import { MeshError } from '../lib/errors.ts';
import { formatManifest } from './format-manifest.ts';
import { type ManifestDocument, parseManifest } from './parse-manifest.ts';

function read(text: string): readonly ManifestDocument[] {
  return parseManifest(text, { source: 'shop.yaml' });
}

/** The message of the ERR_RESOURCE with which `text` is refused. */
function refusalOf(text: string): string {
  try {
    read(text);
  } catch (error) {
    if (MeshError.is(error, 'ERR_RESOURCE')) return error.message;
    throw error;
  }
  return 'accepted';
}

const account = (name: string): string =>
  `apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: ${name}\n`;

const seeds = `# strict for the whole mesh
apiVersion: security.istio.io/v1beta1
kind: PeerAuthentication
metadata:
  name: mesh
  namespace: istio-system
spec:
  mtls:
    mode: STRICT # no plaintext
---
# nothing here

---
apiVersion: security.istio.io/v1beta1
kind: PeerAuthentication
metadata:
  name: legacy
spec:
  selector:
    matchLabels:
      security: low
  mtls:
    mode: PERMISSIVE
  portLevelMtls:
    8080:
      mode: DISABLE
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: products}
spec:
  action: ALLOW
  rules:
  - from:
    - source:
        principals: ["cluster.local/ns/shop/sa/frontend"]
    to:
    - operation: {methods: [GET], paths: ["/api/products*"]}
`;

it('reads documents in order, each with its first line', () => {
  const documents = read(seeds);
  expect(documents.map(({ line, resource }) => [line, resource.metadata.name])).toEqual([
    [2, 'mesh'],
    [14, 'legacy'],
    [28, 'products'],
  ]);
  expect(documents.map(({ resource }) => resource.metadata.namespace)).toEqual([
    'istio-system',
    'default',
    'default',
  ]);
});

it('puts resources into the namespace that it is given', () => {
  const [document] = parseManifest(account('a'), { source: '-', defaultNamespace: 'shop' });
  expect(document?.resource.metadata.namespace).toBe('shop');
});

it('reads JSON, indented with tabs too', () => {
  const text =
    '{\n\t"apiVersion": "v1",\n\t"kind": "ServiceAccount",\n\t"metadata": {"name": "a", "annotations": {"a": "\\u00e9\\ud83d\\ude00\\/"}}\n}\n';
  expect(read(text)[0]?.resource.metadata.annotations).toEqual({ a: 'é😀/' });
});

it('unfolds Lists, each item with its line', () => {
  const text = `apiVersion: v1\nkind: List\nmetadata: {resourceVersion: ""}\nitems:\n- ${account('a').replaceAll('\n', '\n  ')}\n- ${account('b').replaceAll('\n', '\n  ')}`;
  expect(read(text).map(({ line, resource }) => [line, resource.metadata.name])).toEqual([
    [5, 'a'],
    [10, 'b'],
  ]);
});

it.each([
  ['yes', true],
  ['on', true],
  ['off', false],
  ['True', true],
])('takes %s for a boolean, as kubectl does', (word, value) => {
  const text = `${account('a')}automountServiceAccountToken: ${word}\n`;
  expect(read(text)[0]?.resource).toMatchObject({ automountServiceAccountToken: value });
});

it.each([
  ['no', 'false'],
  ['0644', '420'],
  ['1_000', '1000'],
  ['1e3', '1000'],
  ['3.0', '3'],
])('does not take a bare %s for a string, as kubectl does not', (word, shown) => {
  expect(refusalOf(`${account('a')}  labels:\n    version: ${word}\n`)).toBe(
    `shop.yaml:6: ServiceAccount "a": metadata.labels.version: must be a string, not ${shown}; put it in quotes`,
  );
});

it.each([
  ['2026-01-31', '2026-01-31'],
  ['v1.2', 'v1.2'],
  ['1.2.3', '1.2.3'],
  ['"0644"', '0644'],
  ['!!str 5', '5'],
  ['0o14', '0o14'],
])('takes %s for a string', (written, value) => {
  expect(read(`${account('a')}  labels:\n    version: ${written}\n`)[0]?.resource).toMatchObject({
    metadata: { labels: { version: value } },
  });
});

it('takes 12:30 for a string and not for a number in base 60', () => {
  const text = `${account('a')}  annotations:\n    at: 12:30\n`;
  expect(read(text)[0]?.resource.metadata.annotations).toEqual({ at: '12:30' });
});

it('takes a key for the text that is written', () => {
  const text = `${account('a')}  labels:\n    y: a\n    0644: b\n    "yes": c\n    8080: d\n`;
  expect(read(text)[0]?.resource.metadata.labels).toEqual({
    y: 'a',
    '0644': 'b',
    yes: 'c',
    '8080': 'd',
  });
});

it('follows aliases and merge keys', () => {
  const text = `
apiVersion: v1
kind: ServiceAccount
metadata:
  name: &name a
  labels: &labels {app: *name, tier: x}
  annotations:
    <<: [*labels, {app: z, more: v}]
    tier: w
`;
  expect(read(text)[0]?.resource.metadata).toMatchObject({
    labels: { app: 'a', tier: 'x' },
    annotations: { app: 'a', tier: 'w', more: 'v' },
  });
});

it('names every problem by the line of its field', () => {
  const text = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata:
  name: x
  lables:
    a: b
spec:
  mtls:
    mode: STRIKT
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata:
  name: callers
spec:
  rules:
  - from:
    - source:
        principals:
        - a
        ipBlocks: [10.0.0.1,
          10.0.0.300]
  - to: []
---
kind: [
---
apiVersion: v1
kind: Service
`;
  expect(refusalOf(text)).toBe(
    [
      'shop.yaml:5: PeerAuthentication "x": metadata.lables: unknown field "lables"; did you mean "labels"?',
      'shop.yaml:9: PeerAuthentication "x": spec.mtls.mode: "STRIKT" is not one of UNSET, DISABLE, PERMISSIVE, STRICT; did you mean "STRICT"?',
      'shop.yaml:22: AuthorizationPolicy "callers": spec.rules[0].from[0].source.ipBlocks[1]: bad IP address "10.0.0.300"; write for example "10.0.0.1" or "10.0.0.0/8"',
      'shop.yaml:23: AuthorizationPolicy "callers": spec.rules[1].to: must not be empty; leave it out to mean every operation',
      'shop.yaml:26: is not YAML: flow sequence in block collection must be sufficiently indented and end with a ]',
      'shop.yaml:27: Service: metadata: is required',
    ].join('\n'),
  );
});

it('gives a missing field the line of what is around it', () => {
  const text =
    'apiVersion: v1\nkind: Service\nmetadata:\n  labels: {}\nspec:\n  ports:\n  - port: 80\n  - name: b\n';
  expect(refusalOf(text)).toBe(
    [
      'shop.yaml:3: Service: metadata.name: is required',
      'shop.yaml:8: Service: spec.ports[1].port: is required',
    ].join('\n'),
  );
});

it('finds the lines of keys with dots, slashes and digits, and of items in a List', () => {
  const text = `kind: List
items:
- apiVersion: security.istio.io/v1
  kind: PeerAuthentication
  metadata:
    name: x
    labels:
      app.kubernetes.io/name: a b
  spec:
    selector: {matchLabels: {a: b}}
    portLevelMtls:
      8080: {}
      99999: {}
`;
  expect(refusalOf(text)).toBe(
    'shop.yaml:8: PeerAuthentication "x": metadata.labels[app.kubernetes.io/name]: "a b" is not a label; use letters, digits, "-", "_" and ".", and begin and end with a letter or digit',
  );
  expect(refusalOf(text.replace('a b', 'ab'))).toBe(
    'shop.yaml:13: PeerAuthentication "x": spec.portLevelMtls[99999]: "99999" is not a port; it must be a number between 1 and 65535',
  );
});

it('refuses one resource given twice, naming both lines', () => {
  const other = account('b');
  const again = `${account('a')}  namespace: default\n`;
  expect(refusalOf(`${account('a')}---\n${other}---\n${again}`)).toBe(
    'shop.yaml:11: ServiceAccount "a": is given twice, first on line 1',
  );
});

it('lets two kinds and two namespaces have one name', () => {
  const elsewhere = `${account('a')}  namespace: b\n`;
  expect(
    read(
      `${account('a')}---\n${elsewhere}---\napiVersion: v1\nkind: Secret\nmetadata: {name: a}\n`,
    ),
  ).toHaveLength(3);
});

it.each([
  ['', 'shop.yaml:1: has no resource in it'],
  ['\n# only a comment\n---\n---\nnull\n', 'shop.yaml:1: has no resource in it'],
  ['kind: List\nitems: []\n', 'shop.yaml:1: has no resource in it'],
  ['\nkind: List\n', 'shop.yaml:2: List: items: must be a list of resources'],
  ['kind: List\nitems: 3\n', 'shop.yaml:2: List: items: must be a list of resources'],
  ['hello\n', 'shop.yaml:1: a resource is an object with apiVersion, kind and metadata'],
  ['a: 1\na: 2\n', 'shop.yaml:2: has the key "a" twice'],
  ['{"a": 1,\n "a": 2}', 'shop.yaml:2: has the key "a" twice'],
  ['8080: a\n"8080": b\n', 'shop.yaml:2: has the key "8080" twice'],
  ['\n? [a]\n: b\n', 'shop.yaml:2: has a key that is not plain text'],
  ['a: b\n: c\n', 'shop.yaml:2: has a key that is not plain text'],
  ['a: .nan\n', 'shop.yaml:1: is a value that JSON does not have'],
  ['a: b\nc: *d\n', 'shop.yaml:2: has an alias for "d", which is not defined before it'],
  ['a: *b\nc: &b 1\n', 'shop.yaml:1: has an alias for "b", which is not defined before it'],
  ['<<: 1\n', 'shop.yaml:1: merges something that is not an object'],
  ['a: &a [*a]\n', 'shop.yaml:1: is nested more than 100 levels deep'],
  [
    'a: !secret x\n',
    'shop.yaml:1: has a tag that is not supported; remove the word that begins with "!"',
  ],
  [
    'a: !!binary eA==\n',
    'shop.yaml:1: has a tag that is not supported; remove the word that begins with "!"',
  ],
  [
    'a: !!js/function x\n',
    'shop.yaml:1: has a tag that is not supported; remove the word that begins with "!"',
  ],
  ['a:\n\tb: 1\n', 'shop.yaml:2: is not YAML: a tab indents this line; use spaces'],
  ['a: "x\n', 'shop.yaml:2: is not YAML: missing closing "quote'],
  ['a: b: c\n', 'shop.yaml:1: is not YAML: nested mappings are not allowed in compact mappings'],
  [
    '{"a": 1}}\n',
    'shop.yaml:1: is not YAML: something stands here that is not expected; look at indentation, colons and quotes',
  ],
  [
    'a: 1\n b: 2\n',
    'shop.yaml:1: is not YAML: nested mappings are not allowed in compact mappings',
  ],
])('refuses %j with a sentence', (text, message) => {
  expect(refusalOf(text).split('\n')[0]).toBe(message);
});

it('does not quote what may be a secret', () => {
  for (const text of [
    'data: hunter2 "x" hunter2: hunter2\n',
    '- hunter2\nhunter2\n: [',
    'kind: Secret\napiVersion: v1\nmetadata: {name: a}\ndata:\n  a: hunter2\n  a b: hunter2\n',
    'kind: Secret\napiVersion: v1\nmetadata: {name: a}\nstringData: [hunter2]\n',
  ]) {
    expect(refusalOf(text)).not.toContain('hunter2');
    expect(refusalOf(text)).toMatch(/^shop.yaml:\d+: /);
  }
});

it('shows no control or invisible characters of the text', () => {
  const message = refusalOf('apiVersion: v1\nkind: "A\\e[31m\\u202e"\nmetadata: {name: "\\a"}\n');
  expect(message).toContain('"A\\u001b[31m\\u202e"');
  for (const raw of ['\x07', '\x1b', '\u202e']) expect(message).not.toContain(raw);
});

it('gives the warnings of a resource with their lines', () => {
  const text =
    'apiVersion: security.istio.io/v1\nkind: PeerAuthentication\nmetadata: {name: a}\nspec:\n  selector: {}\n';
  expect(read(text)[0]?.warnings).toEqual([
    'shop.yaml:5: PeerAuthentication "a": spec.selector: has no labels and therefore selects every workload; leave it out if that is meant',
  ]);
});

it('reads its own serialisation to the same resources', () => {
  const resources = read(seeds).map(({ resource }) => resource);
  for (const text of [
    formatManifest(resources),
    JSON.stringify({ apiVersion: 'v1', kind: 'List', items: resources }, null, 2),
  ]) {
    expect(read(text).map(({ resource }) => resource)).toEqual(resources);
  }
});
