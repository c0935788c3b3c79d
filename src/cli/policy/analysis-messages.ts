import { analyzeMesh } from '../../policy/analysis/analyze-mesh.ts';
import {
  type Finding,
  type FindingCode,
  findingLevels,
  type Level,
  originOf,
} from '../../policy/analysis/finding.ts';
import { istioIngress } from '../../policy/analysis/istio-ingress.ts';
import { defaultMeshSettings, type MeshSettings } from '../../policy/mesh-settings.ts';
import { meshInventory } from '../../policy/questions/mesh-inventory.ts';
import type { ExaminedDocument } from '../../resources/examine-manifest.ts';
import type { FieldProblem } from '../../resources/field-problem.ts';
import type { Resource } from '../../resources/resource.ts';
import { certificateProblem } from '../authority/certificate-problem.ts';
import type { ExaminedFile } from './examine-files.ts';

/** A message as `istioctl analyze -o json` prints it. */
export interface Message {
  readonly code: FindingCode;
  readonly level: Level;
  /** `Gateway httpbin/gw`. */
  readonly origin: string;
  readonly message: string;
  /** `file.yaml:12`; absent for what does not come from a file. */
  readonly reference?: string;
}

/** What is wrong with single resources, and then what they say together. */
export function analysisMessages(
  files: readonly ExaminedFile[],
  founded: Partial<Pick<MeshSettings, 'trustDomain' | 'rootNamespace'>> = {},
): readonly Message[] {
  const documents = files.flatMap((file) => file.documents.map((document) => ({ file, document })));
  const single = documents.flatMap(({ file, document }) => messagesOn(document, file.source));
  // findings name the very metadata that was read
  const places = new Map<Resource['metadata'], string>();
  const silent = new Set<Resource['metadata']>();
  const resources = documents.flatMap(({ file, document }) => {
    const { resource, whole = true } = readableOf(document);
    if (resource === undefined) return [];
    places.set(resource.metadata, `${file.source}:${document.line}`);
    // nothing is said about what stands in for something that nobody could read
    if (!whole) silent.add(resource.metadata);
    return [resource];
  });
  const { rootNamespace = defaultMeshSettings.rootNamespace } = founded;
  // files are about a mesh that has been installed
  const installed = istioIngress(rootNamespace);
  for (const { metadata } of installed) silent.add(metadata);
  return [...single, ...meshMessages([...resources, ...installed], founded, { places, silent })];
}

function readableOf(document: ExaminedDocument): {
  readonly resource?: Resource;
  readonly whole?: boolean;
} {
  return 'resource' in document ? { resource: document.resource } : (document.part ?? {});
}

/** What resources say together; of each, by its metadata, where it stands, and whether it is passed over. */
export function meshMessages(
  resources: readonly Resource[],
  founded: Partial<Pick<MeshSettings, 'trustDomain' | 'rootNamespace'>>,
  of: {
    readonly places?: ReadonlyMap<Resource['metadata'], string>;
    readonly silent?: ReadonlySet<Resource['metadata']>;
    /** Default true. */
    readonly secretsKnown?: boolean;
  } = {},
): readonly Message[] {
  const { secretsKnown } = of;
  return analyzeMesh(meshInventory(resources, founded), { secretsKnown, certificateProblem })
    .filter(({ resource }) => of.silent?.has(resource.metadata) !== true)
    .map(({ code, resource, message }) =>
      messageOf(code, originOf(resource), message, of.places?.get(resource.metadata)),
    );
}

function messagesOn(document: ExaminedDocument, source: string): readonly Message[] {
  if ('resource' in document) {
    const { resource, line, warnings } = document;
    return warnings.map((warning) =>
      messageOf('IST0133', originOf(resource), schemaText('warning', warning), `${source}:${line}`),
    );
  }
  const { kind, namespace, name, problems } = document;
  const metadata: Finding['resource']['metadata'] =
    namespace === undefined ? { name } : { namespace, name };
  const origin = kind === '' ? source : originOf({ kind, metadata });
  return problems.map((problem) =>
    messageOf('IST0106', origin, schemaText('error', problem), `${source}:${problem.line}`),
  );
}

function schemaText(what: string, { field, message }: FieldProblem): string {
  return `schema validation ${what}: ${field === '' ? '' : `${field}: `}${message}`;
}

function messageOf(
  code: FindingCode,
  origin: string,
  message: string,
  reference: string | undefined,
): Message {
  const level = findingLevels[code];
  return { code, level, origin, message, ...(reference === undefined ? {} : { reference }) };
}
