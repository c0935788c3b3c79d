import { inVersion, type KindDefinition } from '../../resources/kind-definition.ts';
import { metadataSchema } from '../../resources/metadata.ts';

/** A JSON schema as `resources/` writes them: no references, `x-kubernetes-` words for merging. */
export type JsonSchema = Readonly<Record<string, unknown>>;

const whole = new WeakMap<object, JsonSchema>();

/** The schema of the object as a whole, metadata included, in one version of its kind. */
export function objectSchema(definition: KindDefinition, version: string): JsonSchema {
  const { schema } = inVersion(definition, version) as unknown as { schema: JsonSchema };
  const known = whole.get(schema);
  if (known !== undefined) return known;
  const text = { type: 'string' };
  const made = {
    ...schema,
    properties: {
      apiVersion: text,
      kind: text,
      metadata: metadataForMerging,
      ...propertiesOf(schema),
    },
  };
  whole.set(schema, made);
  return made;
}

/** Kubernetes' rules for the lists in ObjectMeta. */
const metadataForMerging: JsonSchema = {
  ...metadataSchema,
  properties: {
    ...metadataSchema.properties,
    finalizers: {
      ...metadataSchema.properties.finalizers,
      'x-kubernetes-list-type': 'set',
      'x-kubernetes-patch-strategy': 'merge',
    },
    ownerReferences: {
      ...metadataSchema.properties.ownerReferences,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['uid'],
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': 'uid',
    },
  },
};

export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function propertiesOf(schema: JsonSchema | undefined): Readonly<Record<string, JsonSchema>> {
  const properties = schema?.['properties'];
  return isSchema(properties) ? (properties as Readonly<Record<string, JsonSchema>>) : {};
}

/** The schema of what people key: the values of a map. */
export function valueSchemaOf(schema: JsonSchema | undefined): JsonSchema | undefined {
  const patterns = schema?.['patternProperties'];
  if (isSchema(patterns)) {
    const [first] = Object.values(patterns);
    if (isSchema(first)) return first;
  }
  const additional = schema?.['additionalProperties'];
  return isSchema(additional) ? additional : undefined;
}

/** The schema of one field of an object; undefined where nothing is said of it. */
export function fieldSchema(schema: JsonSchema | undefined, key: string): JsonSchema | undefined {
  const properties = propertiesOf(schema);
  return Object.hasOwn(properties, key) ? properties[key] : valueSchemaOf(schema);
}

export function itemSchema(schema: JsonSchema | undefined): JsonSchema | undefined {
  const items = schema?.['items'];
  return isSchema(items) ? items : undefined;
}

/** Whether fields that the schema does not name are kept. */
export function keepsUnknown(schema: JsonSchema): boolean {
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) return true;
  const closed = schema['additionalProperties'] === false;
  return !closed && schema['properties'] === undefined;
}
