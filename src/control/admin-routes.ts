import type { TokenLedger } from '../attestation/token-ledger.ts';
import type { CertificateAuthority } from '../ca/certificate-authority.ts';
import type { Clock } from '../lib/clock.ts';
import { parseDuration } from '../lib/duration.ts';
import { MeshError } from '../lib/errors.ts';
import type { JsonRoute } from '../lib/json-socket-server.ts';
import { type KindDefinition, qualifiedKind } from '../resources/kind-definition.ts';
import { kindNamed, kinds } from '../resources/kinds.ts';
import { parseManifest } from '../resources/parse-manifest.ts';
import type { Resource } from '../resources/resource.ts';
import type { Store } from '../store/store.ts';
import { fingerprint } from '../x509/certificate.ts';
import type { Admission } from './admission.ts';
import { sealBackup, takeBackup } from './backup.ts';
import type { ControlEvents } from './control-events.ts';
import type { ServiceAccounts } from './service-accounts.ts';

export interface AdminRouteOptions {
  readonly store: Store;
  readonly admission: Admission;
  readonly tokens: TokenLedger;
  readonly authority: CertificateAuthority;
  readonly serviceAccounts: ServiceAccounts;
  readonly events: Pick<ControlEvents, 'tokenCreated' | 'backupTaken'>;
  readonly clock: Clock;
  /** The agents that are connected now. */
  readonly agents: () => readonly unknown[];
}

const ACTOR = 'admin-socket';
const DEFAULT_TOKEN_LIFETIME = '1h';
const LONGEST_TOKEN_LIFETIME_MS = 7 * 86_400_000;

/** What the CLI may ask of a running control plane. */
export function adminRoutes(options: AdminRouteOptions): Readonly<Record<string, JsonRoute>> {
  const { store, admission } = options;
  return {
    'POST /v1/apply': async ({ body }) => {
      const { manifest, source, namespace } = fields(body);
      const documents = parseManifest(manifest ?? '', {
        source: source ?? 'stdin',
        ...(namespace === undefined ? {} : { defaultNamespace: namespace }),
      });
      return { changes: await admission.apply(documents, ACTOR) };
    },
    'GET /v1/resources': async ({ query }) => {
      const definition = kindFrom(query);
      const namespace = query.get('namespace') ?? undefined;
      const name = query.get('name') ?? undefined;
      if (name === undefined) {
        return store.list(qualifiedKind(definition), definition.namespaced ? namespace : undefined);
      }
      return { items: [await one(definition, namespace, name)], version: store.version };
    },
    'DELETE /v1/resources': async ({ query }) => {
      const definition = kindFrom(query);
      const name = query.get('name') ?? '';
      return {
        changes: await admission.delete(
          keyIn(definition, query.get('namespace') ?? undefined, name),
          ACTOR,
        ),
      };
    },
    'POST /v1/tokens': async ({ body }) => createToken(fields(body), options),
    'POST /v1/ca/backup': async ({ body }) => backUp(fields(body), options),
    'GET /v1/status': async () => status(options),
  };

  async function one(
    definition: KindDefinition,
    namespace: string | undefined,
    name: string,
  ): Promise<Resource> {
    const found = await store.get(keyIn(definition, namespace, name));
    if (found !== undefined) return found;
    throw new MeshError('ERR_NOT_FOUND', `${definition.plural} "${name}" not found`);
  }
}

function keyIn(definition: KindDefinition, namespace: string | undefined, name: string) {
  const kind = qualifiedKind(definition);
  return definition.namespaced ? { kind, namespace: namespace ?? 'default', name } : { kind, name };
}

function kindFrom(query: URLSearchParams): KindDefinition {
  const text = query.get('kind') ?? '';
  const definition = kindNamed(text);
  if (definition === undefined) {
    const known = kinds.filter(({ confidential }) => !confidential).map(({ plural }) => plural);
    throw new MeshError(
      'ERR_USAGE',
      `"${text}" is not a known kind; known are ${known.join(', ')}`,
    );
  }
  if (definition.confidential) {
    throw new MeshError('ERR_FORBIDDEN', `${definition.kind} objects cannot be read here`);
  }
  return definition;
}

async function createToken(
  { namespace = '', serviceAccount = '', lifetime = DEFAULT_TOKEN_LIFETIME }: Fields,
  { tokens, serviceAccounts, events }: AdminRouteOptions,
): Promise<unknown> {
  const lifetimeMs = parseDuration(lifetime);
  if (lifetimeMs <= 0 || lifetimeMs > LONGEST_TOKEN_LIFETIME_MS) {
    throw new MeshError(
      'ERR_USAGE',
      `"${lifetime}" is no lifetime for a token; it may be up to 7d`,
    );
  }
  await serviceAccounts.require(namespace, serviceAccount);
  const { text, record } = await tokens.create({ namespace, serviceAccount, lifetimeMs });
  events.tokenCreated({
    tokenId: record.id,
    namespace,
    serviceAccount,
    expiresAtMs: record.expiresAtMs,
  });
  return {
    token: text,
    id: record.id,
    serviceAccount: `${namespace}/${serviceAccount}`,
    expiresAt: new Date(record.expiresAtMs).toISOString(),
  };
}

/** The caller gets the sealed file only; what is in it never leaves as plain text. */
async function backUp(
  { passphrase = '' }: Fields,
  { store, authority, events, clock }: AdminRouteOptions,
): Promise<unknown> {
  const trustDomain = authority.trustDomain.name;
  const backup = await takeBackup(store, { trustDomain, nowMs: clock.now() });
  const file = await sealBackup(backup, passphrase);
  const summary = { resources: backup.resources.length, version: backup.version };
  events.backupTaken(summary);
  return { ...summary, trustDomain, file: Buffer.from(file).toString('base64') };
}

function status({ authority, store, agents }: AdminRouteOptions): unknown {
  const [root] = authority.bundle.current.x509Authorities;
  return {
    trustDomain: authority.trustDomain.name,
    version: store.version,
    root: root && {
      fingerprint: fingerprint(root),
      notAfter: new Date(root.notAfterMs).toISOString(),
    },
    intermediate: {
      serial: authority.intermediate.serial,
      notAfter: new Date(authority.intermediate.notAfterMs).toISOString(),
    },
    agents: agents(),
  };
}

type Fields = Readonly<Record<string, string | undefined>>;

function fields(body: unknown): Fields {
  const isTextRecord =
    typeof body === 'object' &&
    body !== null &&
    Object.values(body).every((value) => typeof value === 'string');
  if (isTextRecord) return body as Fields;
  throw new MeshError('ERR_WIRE', 'the request body is not a JSON object of strings');
}
