// What is charged in the scenarios, in credits.

/** What one consumption takes, one settled hold and one gated request too. */
export const AMOUNT = 0.001;
/** What is reserved for each of those that are settled. */
export const HELD = 0.002;

/**
 * Exact for what is used here: below 2^53 millionths each has its own double.
 * @param {number} credits
 */
export function micros(credits) {
  return Math.round(credits * 1e6);
}
