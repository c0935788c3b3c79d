import type { Static } from 'typebox';
import { checkSchema } from './check-schema.ts';
import type { FieldProblem } from './field-problem.ts';
import { isPlainObject } from './json-tree.ts';
import { meshConfigSchema } from './kinds/mesh-config-schema.ts';
import type { Immutable } from './resource.ts';
import { yamlDocuments } from './yaml-documents.ts';
import { yamlBudget, yamlValue } from './yaml-value.ts';

/** Istio's MeshConfig, as an IstioOperator or the ConfigMap `istio` has it. */
export type MeshConfig = Immutable<Static<ReturnType<typeof meshConfigSchema>>>;

/** Where Istio keeps the settings of a mesh that is installed: a ConfigMap of the root namespace. */
export const MESH_CONFIG_MAP: { readonly name: string; readonly key: string } = {
  name: 'istio',
  key: 'mesh',
};

const LONGEST = 256 * 1024;

/** The MeshConfig that a YAML text holds, empty for none, or what is wrong with it. Never throws. */
export function parseMeshConfig(
  text: string,
): { readonly meshConfig: MeshConfig } | { readonly problems: readonly FieldProblem[] } {
  if (text.length > LONGEST) return refused(`has more than ${LONGEST} characters`);
  const [document, ...more] = yamlDocuments(text, 2).documents;
  if (document === undefined) return { meshConfig: {} };
  if (more.length > 0) return refused('has more than one YAML document');
  if ('problems' in document) {
    return {
      problems: document.problems.map(({ line, message }) => ({
        field: '',
        message: `line ${line} ${message}`,
      })),
    };
  }
  const read = yamlValue(document.contents, yamlBudget());
  if ('message' in read) return refused(read.message);
  if (read.value === null) return { meshConfig: {} };
  if (!isPlainObject(read.value)) return refused('is not a map of settings');
  const problems = checkSchema(read.value, { schema: meshConfigSchema(), confidential: false });
  return problems.length > 0 ? { problems } : { meshConfig: read.value as MeshConfig };
}

/** What Istio refuses of `meshMTLS`: the groups of the mesh's own TLS are not for choice. */
export function meshCurvesProblem({ meshMTLS }: Pick<MeshConfig, 'meshMTLS'>): string | undefined {
  return (meshMTLS?.ecdhCurves ?? []).length === 0
    ? undefined
    : 'cannot be set: mutual TLS of the mesh prefers X25519MLKEM768, then X25519 and P-256; tlsDefaults.ecdhCurves is for TLS to others';
}

function refused(message: string): { readonly problems: readonly FieldProblem[] } {
  return { problems: [{ field: '', message }] };
}
