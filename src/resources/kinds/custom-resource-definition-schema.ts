import { type Static, Type } from 'typebox';
import { anyObject, atomicTexts, flag, list, text, word } from '../fields.ts';
import { lazy } from '../lazy.ts';
import type { Immutable } from '../resource.ts';
import { closed, status } from '../schema.ts';
import { atomicList } from '../schema-annotations.ts';

const column = lazy(() =>
  closed(
    {
      name: Type.String({ minLength: 1, description: 'Heading.' }),
      type: Type.String({ description: 'integer, number, string, boolean or date.' }),
      jsonPath: Type.String({ minLength: 1, description: 'Where the value is.' }),
      format: text('Format of the type, such as int64.'),
      description: text('What it is.'),
      priority: Type.Optional(
        Type.Integer({ format: 'int32', description: 'Above 0: in wide tables only.' }),
      ),
    },
    'One column of tables.',
  ),
);

const subresources = lazy(() =>
  closed(
    {
      status: anyObject('Status is written by a path of its own.'),
      scale: Type.Optional(
        closed(
          {
            specReplicasPath: Type.String({ description: 'Where the wanted number is.' }),
            statusReplicasPath: Type.String({ description: 'Where the present number is.' }),
            labelSelectorPath: text('Where the selector of replicas is.'),
          },
          'It can be scaled.',
        ),
      ),
    },
    'What is below the path of a resource.',
  ),
);

const version = lazy(() =>
  closed(
    {
      name: Type.String({ description: 'v1, v1beta1 and so on.' }),
      served: Type.Boolean({ description: 'Whether it can be used.' }),
      storage: Type.Boolean({ description: 'Whether resources are kept in it; of one version.' }),
      deprecated: flag('Whether people are warned of it.'),
      deprecationWarning: text('What they are told.'),
      schema: Type.Optional(
        closed(
          {
            openAPIV3Schema: anyObject('Schema of the resources, as OpenAPI 3 has it.'),
          },
          'What resources of it are like.',
        ),
      ),
      subresources: Type.Optional(subresources()),
      additionalPrinterColumns: list(column(), 'Columns of tables.', { ...atomicList() }),
      selectableFields: list(
        closed({ jsonPath: Type.String({ description: 'Path of the field.' }) }, 'One field.'),
        'Fields that field selectors take.',
        { maxItems: 8, ...atomicList() },
      ),
    },
    'One version.',
  ),
);

const names = lazy(() =>
  closed(
    {
      plural: Type.String({ description: 'Name in paths.' }),
      kind: Type.String({ description: 'The kind.' }),
      singular: text('Name of one; the kind in lower case where it is left out.'),
      listKind: text('Kind of a list; the kind and List where it is left out.'),
      shortNames: atomicTexts('Short names.'),
      categories: atomicTexts('Groups of kinds that are listed together.'),
    },
    'What it is called.',
  ),
);

const spec = lazy(() =>
  closed(
    {
      group: Type.String({ description: 'API group.' }),
      names: names(),
      scope: Type.Enum(['Cluster', 'Namespaced'], {
        type: 'string',
        description: 'Whether resources are in namespaces.',
      }),
      versions: Type.Array(version(), { minItems: 1, description: 'Versions.', ...atomicList() }),
      conversion: Type.Optional(
        closed(
          {
            strategy: word(['None', 'Webhook'], 'None: the versions are alike.'),
            webhook: anyObject('Not supported.'),
          },
          'How one version becomes another.',
        ),
      ),
      preserveUnknownFields: flag('Must be false.'),
    },
    'A kind of your own.',
  ),
);

/** The schema of a CustomResourceDefinition below its metadata. */
export const customResourceDefinitionSchema = lazy(() =>
  Type.Object({ spec: spec(), status: Type.Optional(status) }, { additionalProperties: false }),
);

/** What a CustomResourceDefinition defines: `spec`. */
export type CustomResourceDefinitionSpec = Immutable<Static<ReturnType<typeof spec>>>;
/** One of its versions. */
export type CustomResourceVersion = Immutable<Static<ReturnType<typeof version>>>;
