import { parse } from 'yaml';
import { customKinds } from '../../src/resources/custom/custom-kinds.ts';
import { registryWithCustomKinds } from '../../src/resources/custom/registry-with-custom-kinds.ts';
import type { FieldProblem } from '../../src/resources/field-problem.ts';
import type { KindDefinition } from '../../src/resources/kind-definition.ts';
import type { CustomResourceDefinition } from '../../src/resources/kinds/custom-resource-definition.ts';
import type { Resource } from '../../src/resources/resource.ts';
import { validateResource } from '../../src/resources/validate-resource.ts';
import { validateCreate, validateUpdate } from '../../src/resources/validate-update.ts';

/** The YAML of a CustomResourceDefinition of `widgets.example.org` whose spec has this schema. */
export function widgets(spec: string, version = ''): string {
  return `
    apiVersion: apiextensions.k8s.io/v1
    kind: CustomResourceDefinition
    metadata: {name: widgets.example.org}
    spec:
      group: example.org
      names: {plural: widgets, kind: Widget, shortNames: [wd]}
      scope: Namespaced
      versions:
      - name: v1
        served: true
        storage: true
        schema: {openAPIV3Schema: {type: object, properties: {spec: ${spec}}}}
        ${version}`;
}

/** What is wrong with a definition given as YAML. */
export function definitionProblems(yaml: string): readonly string[] {
  const checked = validateResource(parse(yaml), { kinds: registryWithCustomKinds() });
  return 'problems' in checked ? checked.problems.map(text) : [];
}

/** A valid definition given as YAML. */
export function definitionOf(yaml: string): CustomResourceDefinition {
  const checked = validateResource(parse(yaml), { kinds: registryWithCustomKinds() });
  if ('problems' in checked) throw new Error(checked.problems.map(text).join('\n'));
  return checked.resource as CustomResourceDefinition;
}

/** What becomes of Widgets where that definition is. */
export class Widgets {
  readonly registry = registryWithCustomKinds();

  constructor(spec: string, version = '') {
    const definition = definitionOf(widgets(spec, version));
    this.registry.define(customKinds([definition], this.registry.builtIns).kinds);
  }

  /** What is wrong with a Widget of this spec, in YAML. */
  problems(spec: string): readonly string[] {
    const checked = this.#check(spec);
    return 'problems' in checked ? checked.problems.map(text) : [];
  }

  /** A Widget with its defaults. */
  widget(spec: string): Resource {
    const checked = this.#check(spec);
    if ('problems' in checked) throw new Error(checked.problems.map(text).join('\n'));
    return checked.resource;
  }

  /** What keeps one from coming into being that is valid in itself. */
  createProblems(spec: string): readonly string[] {
    return validateCreate(this.widget(spec), { definition: this.#definition() }).map(text);
  }

  /** What keeps one from becoming the other. */
  updateProblems(old: string, spec: string): readonly string[] {
    const definition = this.#definition();
    return validateUpdate(this.widget(old), this.widget(spec), { definition }).map(text);
  }

  #definition(): KindDefinition {
    const definition = this.registry.byPlural('example.org', 'widgets');
    if (definition === undefined) throw new Error('there are no widgets');
    return definition;
  }

  #check(spec: string) {
    const widget = { apiVersion: 'example.org/v1', kind: 'Widget', metadata: { name: 'a' } };
    return validateResource({ ...widget, spec: parse(spec) }, { kinds: this.registry });
  }
}

function text({ field, message }: FieldProblem): string {
  return `${field}: ${message}`;
}
