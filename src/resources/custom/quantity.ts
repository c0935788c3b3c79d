const FORM = /^([+-]?)(\d+\.?\d*|\.\d+)(?:(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE])|[eE]([+-]?\d{1,2}))?$/;
const LONGEST = 64;
/** Quantities are counted in billionths, the smallest that Kubernetes knows. */
const NANO_DIGITS = 9;

const POWERS_OF_TEN: Readonly<Record<string, number>> = {
  ...{ n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 },
};
const BINARY = ['Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei'];

/**
 * A quantity of Kubernetes (`100m`, `1.5Gi`, `2e3`) in billionths, rounded away from zero; undefined
 * where `text` is none.
 */
export function parseQuantity(text: string): bigint | undefined {
  const parts = text.length > LONGEST ? null : FORM.exec(text);
  if (parts === null) return undefined;
  const [, sign, digits = '', suffix = '', exponent = '0'] = parts;
  const [whole = '', fraction = ''] = digits.split('.');
  const binary = BINARY.indexOf(suffix) + 1;
  const power = (POWERS_OF_TEN[suffix] ?? Number(exponent)) + NANO_DIGITS - fraction.length;
  const counted = BigInt(`${whole}${fraction}`) * 1024n ** BigInt(binary);
  const size = power >= 0 ? counted * 10n ** BigInt(power) : up(counted, 10n ** BigInt(-power));
  return sign === '-' ? -size : size;
}

/** The number of whole ones in billionths, or undefined where there is a part. */
export function wholeOf(billionths: bigint): bigint | undefined {
  const one = 10n ** BigInt(NANO_DIGITS);
  return billionths % one === 0n ? billionths / one : undefined;
}

function up(value: bigint, divisor: bigint): bigint {
  return (value + divisor - 1n) / divisor;
}
