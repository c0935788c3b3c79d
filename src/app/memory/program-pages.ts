/** A part of the memory of a process. */
export interface PageRange {
  readonly address: bigint;
  readonly bytes: bigint;
}

/** Address, end, rights, offset, device, inode, file. */
const HEAD = /^([0-9a-f]+)-([0-9a-f]+) (\S{4}) \S+ \S+ \d+\s+(\S.*)$/;

/**
 * The parts of a process that are pages of its program's file and nothing else, by proc_pid_smaps(5):
 * not writable, and no page of them was ever changed. Such pages can be had again from the file.
 *
 * @param program path of the program's file
 */
export function programPages(smaps: string, program: string): readonly PageRange[] {
  return smaps.split(/\n(?=[0-9a-f]+-[0-9a-f]+ )/).flatMap((text) => {
    const [head = '', ...lines] = text.split('\n');
    const [, from, to, rights = 'w', file] = HEAD.exec(head) ?? [];
    if (from === undefined || to === undefined || file !== program) return [];
    if (rights.includes('w') || !(isNone(lines, 'Anonymous') && isNone(lines, 'Private_Dirty'))) {
      return [];
    }
    const address = BigInt(`0x${from}`);
    return [{ address, bytes: BigInt(`0x${to}`) - address }];
  });
}

/** Whether it is said that there is none of it. */
function isNone(lines: readonly string[], name: string): boolean {
  return lines.some((line) => line.startsWith(`${name}:`) && /:\s+0 kB$/.test(line));
}
