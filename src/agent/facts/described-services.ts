import { type DescFile, type DescService, toBinary } from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';

type NestedType = ReturnType<typeof nestedTypes> extends Iterable<infer Type> ? Type : never;

/** What is known of the services that a server has, by the names that reflection asks with. */
export interface DescribedServices {
  /** Full names, sorted. */
  readonly names: readonly string[];
  file(name: string): DescFile | undefined;
  /** The file that declares a service, method, message, field, enum or enum value of this full name. */
  fileOf(symbol: string): DescFile | undefined;
  /** The file that declares the extension. */
  fileOfExtension(extendee: string, number: number): DescFile | undefined;
  /** Undefined when there is no such message. */
  extensionNumbers(extendee: string): readonly number[] | undefined;
}

/** Indexes the files of `services` and all that they import. */
export function describedServices(services: readonly DescService[]): DescribedServices {
  const files = new Map<string, DescFile>();
  for (const { file } of services) for (const each of withImports(file)) files.set(each.name, each);
  const symbols = new Map<string, DescFile>();
  const extensions = new Map<string, Map<number, DescFile>>();
  const messages = new Set<string>();
  for (const file of files.values()) {
    for (const type of nestedTypes(file)) {
      for (const symbol of symbolsOf(type)) symbols.set(symbol, file);
      if (type.kind === 'message') messages.add(type.typeName);
      if (type.kind !== 'extension') continue;
      const { extendee, number } = type;
      extensions.getOrInsertComputed(extendee.typeName, () => new Map()).set(number, file);
    }
  }
  return {
    names: services.map(({ typeName }) => typeName).toSorted(),
    file: (name) => files.get(name.replace(/\.proto$/, '')),
    fileOf: (symbol) => symbols.get(symbol),
    fileOfExtension: (extendee, number) => extensions.get(extendee)?.get(number),
    extensionNumbers: (extendee) =>
      messages.has(extendee) ? [...(extensions.get(extendee)?.keys() ?? [])] : undefined,
  };
}

/** A file and all that it imports, the file first. */
export function withImports(file: DescFile): ReadonlySet<DescFile> {
  const found = new Set([file]);
  // A set that grows while it is walked over is walked to its end.
  for (const each of found) for (const dependency of each.dependencies) found.add(dependency);
  return found;
}

/** As it goes over the wire. */
export function fileDescriptor({ proto }: DescFile): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(toBinary(FileDescriptorProtoSchema, proto));
}

function symbolsOf(type: NestedType): readonly string[] {
  const { typeName } = type;
  switch (type.kind) {
    case 'service':
      return [typeName, ...type.methods.map(({ name }) => `${typeName}.${name}`)];
    case 'message':
      return [
        typeName,
        ...type.fields.map(({ name }) => `${typeName}.${name}`),
        ...type.oneofs.map(({ name }) => `${typeName}.${name}`),
      ];
    case 'enum': {
      // Values live beside their enum, not in it.
      const scope = typeName.slice(0, Math.max(0, typeName.lastIndexOf('.') + 1));
      return [typeName, ...type.values.map(({ name }) => `${scope}${name}`)];
    }
    case 'extension':
      return [typeName];
  }
}
