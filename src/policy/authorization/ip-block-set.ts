import type { IpBlock } from '../ip-block.ts';
import { addressText, type Ip } from '../parse-ip.ts';
import { AffixMap } from './affix-map.ts';

const FEW = 8;

/** Whether an address is in any of `blocks`, which are asked one by one only where they are few. */
export function anyBlockContains(blocks: readonly IpBlock[]): (ip: Ip) => boolean {
  if (blocks.length <= FEW) return (ip) => blocks.some((block) => block.contains(ip));
  const texts = new AffixMap<true>('start');
  for (const block of blocks) texts.set(block.text, true);
  return (ip) => texts.some(addressText(ip), () => true);
}
