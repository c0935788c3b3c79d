/** One fact about a process on a Unix host that a registration asks for, in SPIRE's words. */
export interface UnixSelector {
  readonly fact: UnixFact;
  readonly value: string;
}

export type UnixFact = 'uid' | 'gid' | 'path' | 'sha256' | 'cgroup';

const RULES: Readonly<Record<UnixFact, { readonly pattern: RegExp; readonly rule: string }>> = {
  uid: { pattern: /^(?:0|[1-9]\d{0,9})$/, rule: 'a number; see `id -u`' },
  gid: { pattern: /^(?:0|[1-9]\d{0,9})$/, rule: 'a number; see `id -g`' },
  path: { pattern: /^\/[^\0]*$/, rule: 'the absolute path of the executable' },
  sha256: { pattern: /^[0-9a-f]{64}$/, rule: '64 hexadecimal digits in lower case' },
  cgroup: {
    pattern: /^\/[^\0]*$/,
    rule: 'the absolute path of a cgroup, such as /system.slice/shop.service; /* at its end takes all below it',
  },
};

const FORM = /^unix:([a-z0-9]+):(.+)$/s;

/** `unix:uid:1000` in parts, or what is wrong with it as half a sentence. */
export function readUnixSelector(text: string): UnixSelector | { readonly problem: string } {
  const [, name = '', value = ''] = FORM.exec(text) ?? [];
  if (!isFact(name)) {
    const facts = Object.keys(RULES).join(', ');
    return { problem: `must be written unix:FACT:VALUE, with a FACT of ${facts}` };
  }
  const { pattern, rule } = RULES[name];
  return pattern.test(value) ? { fact: name, value } : { problem: `unix:${name} takes ${rule}` };
}

function isFact(text: string): text is UnixFact {
  return Object.hasOwn(RULES, text);
}
