// Amounts by the contract, without the engine: whole millionths, from a number's own digits.

const SCALE_DIGITS = 6;
const MAX = 9_000_000_000n * 10n ** 6n;
/** RFC 8259, section 6. */
const JSON_NUMBER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;
/** An exponent beyond this is out of range, or zero, or too precise, whatever the digits. */
const MAX_EXPONENT = 1_000;

/** Why a text is no amount: not even JSON, or not one of ours. */
export type NoAmount = "invalid_json" | "invalid_amount";

/** The millionths of an amount. */
export function millionths(text: string): bigint | NoAmount {
  const match = text.match(JSON_NUMBER);
  if (match === null) {
    try {
      JSON.parse(text);
    } catch {
      return "invalid_json";
    }
    return "invalid_amount";
  }
  const [, sign, whole = "", fraction = "", exponent] = match;
  // Six digits at most; where there is an exponent, after it is reckoned in.
  if (exponent === undefined && fraction.length > SCALE_DIGITS) return "invalid_amount";
  const digits = BigInt(whole + fraction);
  if (digits === 0n) return 0n;
  const power = Number(exponent ?? 0) - fraction.length + SCALE_DIGITS;
  if (Math.abs(power) > MAX_EXPONENT) return "invalid_amount";
  const divisor = 10n ** BigInt(Math.max(-power, 0));
  const value = digits * 10n ** BigInt(Math.max(power, 0));
  // Never rounded: what is left over would be lost.
  if (value % divisor !== 0n || value / divisor > MAX) return "invalid_amount";
  return (sign === "-" ? -1n : 1n) * (value / divisor);
}

/** An amount in digits. */
export function asText(amount: bigint): string {
  const size = amount < 0n ? -amount : amount;
  const fraction = (size % 10n ** 6n).toString().padStart(SCALE_DIGITS, "0");
  return `${amount < 0n ? "-" : ""}${size / 10n ** 6n}.${fraction}`;
}

/** The double that a JSON reader makes of an amount. */
export function asNumber(amount: bigint): number {
  return Number(asText(amount));
}
