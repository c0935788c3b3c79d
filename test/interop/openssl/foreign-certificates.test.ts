import { createPrivateKey } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type Certificate, isSignedBy, parseCertificate } from '../../../src/x509/certificate.ts';
import { parseCsr } from '../../../src/x509/csr.ts';
import { validatePath } from '../../../src/x509/path.ts';
import { decodePem } from '../../../src/x509/pem.ts';
import { peer } from '../../kit/peer.ts';
import { OpensslDirectory } from './openssl-directory.ts';

const ID = 'spiffe://cluster.local/ns/shop/sa/reviews';

const KEYS: Readonly<Record<string, readonly string[]>> = {
  'P-256': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256'],
  'P-384': ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
  'RSA-2048': ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'],
  Ed25519: ['-algorithm', 'ED25519'],
};

function read(directory: OpensslDirectory, file: string): Certificate {
  const [der] = decodePem(directory.read(file), 'CERTIFICATE');
  return parseCertificate(der ?? new Uint8Array());
}

/** The subjects of the path from `leaf.pem` through `between` to `root.pem`, now unless told otherwise. */
function path(
  directory: OpensslDirectory,
  { leaf = 'leaf', between = [] as readonly string[], nowMs = Date.now() } = {},
): string[] {
  const certificates = validatePath({
    leaf: read(directory, `${leaf}.pem`),
    intermediates: between.map((name) => read(directory, `${name}.pem`)),
    roots: [read(directory, 'root.pem')],
    nowMs,
    purpose: 'clientAuth',
  });
  return certificates.map(({ subject }) => subject);
}

function makeKey(directory: OpensslDirectory, file: string, kind = 'P-256'): void {
  directory.run('genpkey', ...(KEYS[kind] ?? []), '-out', file);
}

/** A self-signed certificate `<name>.pem` with `<name>.key`. */
function selfSigned(directory: OpensslDirectory, name: string, ...args: string[]): void {
  makeKey(directory, `${name}.key`);
  const subject = args.includes('-config') ? [] : ['-subj', `/CN=${name}`];
  const fixed = ['-x509', '-key', `${name}.key`, '-days', '30', '-out', `${name}.pem`];
  directory.run('req', ...fixed, ...subject, ...args);
}

/** A certificate `<name>.pem` by the CA `issuer` with the extensions given in openssl's own form. */
function issued(
  directory: OpensslDirectory,
  name: string,
  issuer: string,
  ...lines: string[]
): void {
  makeKey(directory, `${name}.key`);
  directory.run(
    'req',
    '-new',
    '-key',
    `${name}.key`,
    '-subj',
    `/CN=${name}`,
    '-out',
    `${name}.csr`,
  );
  directory.write(`${name}.ext`, lines.join('\n'));
  const ca = ['-CA', `${issuer}.pem`, '-CAkey', `${issuer}.key`, '-CAcreateserial'];
  const out = ['-days', '20', '-extfile', `${name}.ext`, '-out', `${name}.pem`];
  directory.run('x509', '-req', '-in', `${name}.csr`, ...ca, ...out);
}

const LEAF = [
  'basicConstraints=critical,CA:FALSE',
  'keyUsage=critical,digitalSignature',
  `subjectAltName=URI:${ID}`,
];
const CA_USAGE = ['-addext', 'keyUsage=critical,keyCertSign,cRLSign'];

peer('openssl', (openssl) => {
  describe.each(Object.keys(KEYS))('with %s', (kind) => {
    it('a key and a self-signed certificate are read', () => {
      const directory = new OpensslDirectory(openssl);
      makeKey(directory, 'key.pem', kind);
      const args = ['-x509', '-key', 'key.pem', '-subj', '/C=DE/O=Mesh/CN=root', '-days', '30'];
      directory.run('req', ...args, '-set_serial', '0xfedcba', '-out', 'root.pem');
      const root = read(directory, 'root.pem');
      expect(root).toMatchObject({
        serial: 'fedcba',
        subject: 'CN=root,O=Mesh,C=DE',
        isCa: true,
        unknownCritical: [],
      });
      const [keyDer] = decodePem(directory.read('key.pem'), 'PRIVATE KEY');
      const key = createPrivateKey({
        key: Buffer.from(keyDer ?? []),
        format: 'der',
        type: 'pkcs8',
      });
      expect(key.asymmetricKeyType).toBe(root.publicKey.asymmetricKeyType);
      expect(isSignedBy(root, root.publicKey)).toBe(true);
      expect(path(directory, { leaf: 'root' })).toEqual(['CN=root,O=Mesh,C=DE']);
    });

    it('a request is read', () => {
      const directory = new OpensslDirectory(openssl);
      makeKey(directory, 'key.pem', kind);
      const names = `subjectAltName=URI:${ID},DNS:reviews.shop`;
      const args = ['-subj', '/O=Mesh/CN=reviews', '-addext', names, '-out', 'csr.pem'];
      directory.run('req', '-new', '-key', 'key.pem', ...args);
      const [der] = decodePem(directory.read('csr.pem'), 'CERTIFICATE REQUEST');
      expect(parseCsr(der ?? new Uint8Array())).toMatchObject({
        subject: 'CN=reviews,O=Mesh',
        commonName: 'reviews',
        uriSans: [ID],
        dnsSans: ['reviews.shop'],
      });
    });
  });

  it('a chain is read and accepted', () => {
    const directory = new OpensslDirectory(openssl);
    selfSigned(directory, 'root', ...CA_USAGE);
    issued(
      directory,
      'ca',
      'root',
      'basicConstraints=critical,CA:TRUE,pathlen:0',
      'keyUsage=critical,keyCertSign',
      'subjectKeyIdentifier=hash',
      'authorityKeyIdentifier=keyid',
    );
    issued(
      directory,
      'leaf',
      'ca',
      ...LEAF,
      'extendedKeyUsage=serverAuth,clientAuth',
      'authorityKeyIdentifier=keyid,issuer',
    );
    expect(read(directory, 'ca.pem').pathLength).toBe(0);
    expect(read(directory, 'leaf.pem').authorityKeyId).toBe(read(directory, 'ca.pem').subjectKeyId);
    expect(path(directory, { between: ['ca'] })).toEqual(['CN=leaf', 'CN=ca', 'CN=root']);
  });

  it.each<[string, string]>([
    ['utf8only', 'CN=plain,O=Zoë 蔡,C=DE'],
    ['pkix', 'CN=plain,O=Zoë 蔡,C=DE'],
    ['default', 'CN=plain,O=Zoë 蔡,C=DE'],
  ])('names under the string mask %s are read as openssl prints them', (mask, subject) => {
    const directory = new OpensslDirectory(openssl);
    const names = ['C=DE', 'O=Zoë 蔡', 'CN=plain'];
    const config = [
      '[req]',
      'utf8=yes',
      'prompt=no',
      'distinguished_name=dn',
      `string_mask=${mask}`,
    ];
    directory.write('req.cnf', [...config, '[dn]', ...names].join('\n'));
    selfSigned(directory, 'root', '-config', 'req.cnf');
    const options = ['-noout', '-subject', '-nameopt', 'RFC2253,utf8,-esc_msb'];
    expect(directory.run('x509', '-in', 'root.pem', ...options)).toBe(`subject=${subject}\n`);
    expect(read(directory, 'root.pem').subject).toBe(subject);
  });

  it('a T61String is read as Latin-1', () => {
    const directory = new OpensslDirectory(openssl);
    const config = [
      '[req]',
      'utf8=yes',
      'prompt=no',
      'distinguished_name=dn',
      'string_mask=nombstr',
    ];
    directory.write('req.cnf', [...config, '[dn]', 'O=Zoë'].join('\n'));
    selfSigned(directory, 'root', '-config', 'req.cnf');
    expect(read(directory, 'root.pem').subject).toBe('O=Zoë');
  });

  it('a negative serial and a serial of zero are refused', () => {
    const directory = new OpensslDirectory(openssl);
    for (const [serial, problem] of [
      ['-5', 'the serial number is negative'],
      ['0', 'the serial number is zero'],
    ] as const) {
      selfSigned(directory, 'root', '-set_serial', serial);
      expect(() => read(directory, 'root.pem')).toThrow(problem);
    }
  });

  it('a serial of 21 bytes is refused, one of 20 is read', () => {
    const directory = new OpensslDirectory(openssl);
    selfSigned(directory, 'root', '-set_serial', `0x${'7f'.repeat(20)}`);
    expect(read(directory, 'root.pem').serial).toBe('7f'.repeat(20));
    selfSigned(directory, 'root', '-set_serial', `0x${'7f'.repeat(21)}`);
    expect(() => read(directory, 'root.pem')).toThrow('more than 20 bytes');
  });

  it.each([
    ['P-521', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521']],
    ['RSA-1024', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024']],
    ['Ed448', ['-algorithm', 'ED448']],
  ])('a %s key is refused', (_, args) => {
    const directory = new OpensslDirectory(openssl);
    directory.run('genpkey', ...args, '-out', 'key.pem');
    directory.run('req', '-x509', '-key', 'key.pem', '-subj', '/CN=x', '-out', 'root.pem');
    expect(() => read(directory, 'root.pem')).toThrow(expect.objectContaining({ code: 'ERR_KEY' }));
  });

  it('a CA without keyCertSign may not issue', () => {
    const directory = new OpensslDirectory(openssl);
    selfSigned(directory, 'root', '-addext', 'keyUsage=critical,cRLSign');
    issued(directory, 'leaf', 'root', ...LEAF);
    expect(() => path(directory)).toThrow(
      /certificate "CN=root" .*may not issue certificates: its key usage lacks keyCertSign/,
    );
  });

  it('a leaf may not issue', () => {
    const directory = new OpensslDirectory(openssl);
    selfSigned(directory, 'root', ...CA_USAGE);
    issued(directory, 'leaf', 'root', ...LEAF);
    issued(directory, 'below', 'leaf', ...LEAF);
    expect(() => path(directory, { leaf: 'below', between: ['leaf'] })).toThrow(
      /certificate "spiffe:.*may not issue certificates: it is not CA:true/,
    );
  });

  it.each([
    '1.2.3.4=critical,ASN1:UTF8String:hello',
    'nameConstraints=critical,permitted;URI:.local',
  ])('the critical extension %s is refused in a path', (extension) => {
    const directory = new OpensslDirectory(openssl);
    selfSigned(directory, 'root', ...CA_USAGE, '-addext', extension);
    issued(directory, 'leaf', 'root', ...LEAF);
    expect(() => path(directory)).toThrow('has a critical extension that is not understood here');
  });

  it('an expired certificate is refused with both clocks', () => {
    const directory = new OpensslDirectory(openssl);
    selfSigned(directory, 'root', ...CA_USAGE);
    makeKey(directory, 'leaf.key');
    directory.run('req', '-new', '-key', 'leaf.key', '-subj', '/CN=leaf', '-out', 'leaf.csr');
    directory.write('index.txt', '');
    directory.write('serial', '1000\n');
    directory.write('ca.cnf', CA_CONFIG);
    const dates = ['-startdate', '20200101000000Z', '-enddate', '20200102000000Z'];
    const ca = ['-config', 'ca.cnf', '-cert', 'root.pem', '-keyfile', 'root.key', '-batch'];
    directory.run('ca', ...ca, ...dates, '-in', 'leaf.csr', '-out', 'leaf.pem', '-notext');
    expect(() => path(directory, { nowMs: Date.UTC(2020, 0, 3) })).toThrow(
      'certificate "CN=leaf" (serial 1000) expired 1d ago: it ended at 2020-01-02T00:00:00Z, the clock here says 2020-01-03T00:00:00Z',
    );
  });

  it('a signature with SHA-1 is refused in a path', ({ skip }) => {
    const directory = new OpensslDirectory(openssl);
    selfSigned(directory, 'root', ...CA_USAGE);
    makeKey(directory, 'leaf.key');
    directory.run('req', '-new', '-key', 'leaf.key', '-subj', '/CN=leaf', '-out', 'leaf.csr');
    const ca = ['-CA', 'root.pem', '-CAkey', 'root.key', '-CAcreateserial'];
    const made = directory.try(
      'x509',
      '-req',
      '-in',
      'leaf.csr',
      ...ca,
      '-sha1',
      '-out',
      'leaf.pem',
    );
    skip(!made.ok, 'this openssl does not sign with SHA-1');
    expect(() => path(directory)).toThrow('signed with an algorithm that is not accepted');
  });
});

const CA_CONFIG = `
[ca]
default_ca = this
[this]
new_certs_dir = .
database = index.txt
serial = serial
default_md = sha256
policy = any
[any]
commonName = supplied
`;
