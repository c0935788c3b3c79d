/** What `system_version_info` of a response says. */
export interface SystemVersion {
  readonly version: string;
  /** False while more of the same state follows, because it did not fit into one response. */
  readonly complete: boolean;
}

const MORE_FOLLOWS = '+';

/**
 * The protocol leaves `system_version_info` to the server and has no mark for the end of a state that
 * is sent in several responses. Here a trailing `+` means that more follows, so that a client never
 * takes half of the policies for all of them; servers that know nothing of it are always complete.
 */
export function formatSystemVersion({ version, complete }: SystemVersion): string {
  return complete ? version : `${version}${MORE_FOLLOWS}`;
}

/** The reverse of `formatSystemVersion`. */
export function parseSystemVersion(text: string): SystemVersion {
  const complete = !text.endsWith(MORE_FOLLOWS);
  return { version: complete ? text : text.slice(0, -1), complete };
}
