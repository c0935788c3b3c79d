import { MeshError } from '../lib/errors.ts';
import type { AuthorityOptions } from './certificate-authority.ts';
import { type GivenCrls, givenCrls } from './given-crls.ts';
import type { PluggedInFiles } from './plugged-in-files.ts';
import { type RotatingAuthority, rotatingAuthority } from './rotating-authority.ts';
import type { KeySlots } from './rotation.ts';
import type { SigningChain } from './signing-chain.ts';

/** A plug-in CA as it was given, and as it was read. */
export interface PluggedIn {
  readonly files: PluggedInFiles;
  readonly chain: SigningChain;
  readonly crls: GivenCrls;
}

/** An authority that signs with an intermediate of the operator's own CA, whose root key is elsewhere. */
export function pluggedInAuthority(
  slots: KeySlots<PluggedIn>,
  options: Pick<AuthorityOptions, 'trustDomain' | 'clock' | 'rules'> & {
    readonly save: (slots: KeySlots<PluggedIn>) => Promise<void>;
  },
): RotatingAuthority<PluggedIn> {
  return rotatingAuthority({
    ...options,
    slots,
    chainOf: ({ chain }) => chain,
    authoritiesOf: ({ chain }) => [chain.signer],
    givenCrls: (slots) => givenCrls(slots, options.clock.now()),
    ownKeys: false,
    fresh: () => {
      throw new MeshError(
        'ERR_FORBIDDEN',
        'the keys of this mesh come from your own CA; have it sign a new one, put it where --ca-dir points, and run `hauberk ca reload`',
      );
    },
    remedy:
      'if the clock is wrong, set it; if not, have your CA sign a new one and start with --ca-dir',
  });
}
