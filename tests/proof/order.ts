// What a proof was told: the seed, and how long it may take.

const MAX = 2 ** 32;

function numberFrom(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === "") return undefined;
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new Error(`${name} is no number: ${text}`);
  return number;
}

/** Repeats an earlier run as far as the machine allows. */
export const SEED = numberFrom("PROOF_SEED") ?? Math.floor(Math.random() * MAX);

/** The budget of a long run; undefined for the short form that `npm test` runs. */
export const SECONDS = numberFrom("PROOF_SECONDS");

/** Random numbers from 0 to below 1, the same for the same seed: a Weyl sequence, mixed. */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state ^ (state >>> 16);
    mixed = Math.imul(mixed, 0x21f0aaad);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x735a2d97);
    mixed ^= mixed >>> 15;
    return (mixed >>> 0) / MAX;
  };
}

/** A line for the table of results. */
export function figures(text: string): void {
  console.log(`figures: ${text}`);
}

/** Does all of `count` pieces of work with so many at once. */
export async function inParallel(
  width: number,
  count: number,
  work: (n: number) => Promise<unknown>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    for (let n = next++; n < count; n = next++) await work(n);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
