// What a request that may pass owes, and how it is paid or given back.

import type { Amount, Charge, CreditEngine } from "../../types/index.d.ts";
import { CreditEngineError, InsufficientCreditsError } from "../errors.ts";

/** How often one key is charged anew after its charge was reversed. */
const MOST_ATTEMPTS = 10;
const REFUNDS_READ = 100;

export interface Passage {
  /** What was charged or is held; undefined if nobody knows. */
  cost: number | undefined;
  /** The balance that the engine told. */
  balance: number | undefined;
  /** Whether the balance still contains the cost. */
  isHeld: boolean;
  /** The work is done: charges what is not charged yet. */
  settle(cost: Amount | undefined): Promise<void>;
  /** The work failed: gives back what was taken. */
  reverse(): Promise<void>;
}

export interface Asked {
  engine: CreditEngine;
  customer: string;
  cost: Charge;
  /** The caller's own, if any. */
  key: string | undefined;
}

const nothing = async () => {};

export const FREE: Passage = {
  cost: undefined,
  balance: undefined,
  isHeld: false,
  settle: nothing,
  reverse: nothing,
};

/** Charges; throws what the engine refused with. */
export async function charge(asked: Asked): Promise<Passage> {
  const { engine, customer, cost, key } = asked;
  for (const options of attempts(key)) {
    const charged = await engine.consumeOrFail(customer, cost, undefined, options);
    const { transactionId, amount, balance } = charged;
    const passage = { cost: amount, balance, isHeld: false, settle: nothing };
    if (transactionId === undefined) {
      // Let through in an outage: there is no transaction yet that could be refunded.
      const reverse = async () => {
        const { idempotencyKey } = charged;
        const message = "a charge that was let through in an outage cannot be reversed yet";
        throw new CreditEngineError(message, { code: "not_reversed", idempotencyKey });
      };
      return { ...passage, balance: undefined, reverse };
    }
    // Who repeats a key stands on the charge of who came first, and gives nothing of it back.
    if (key === undefined || !charged.replayed)
      return { ...passage, reverse: () => refund(asked, transactionId, amount) };
    if (!(await isRefunded(asked, transactionId))) return { ...passage, reverse: nothing };
  }
  throw tooOften(key);
}

/** Holds; throws what the engine refused with. */
export async function hold(asked: Asked): Promise<Passage> {
  const { engine, customer, cost, key } = asked;
  const isAction = typeof cost === "object" && "service" in cost;
  const price = isAction ? await engine.estimate(cost) : cost;
  for (const options of attempts(key)) {
    const held = await engine.startUsage(customer, price, options);
    const { balance } = held;
    if (!held.success) {
      const requested = typeof price === "object" ? undefined : Number(price);
      const details = requested === undefined ? { balance } : { balance, requested };
      const error = { code: "insufficient_credits", status: 402, details };
      throw new InsufficientCreditsError("there are too few credits to hold", error);
    }
    const { transactionId, amount } = held;
    const state = key === undefined ? "pending" : (await engine.getUsage(transactionId)).state;
    const passage = { cost: amount, balance };
    if (state === "completed")
      return { ...passage, isHeld: false, settle: nothing, reverse: nothing };
    if (state === "pending") return { ...passage, isHeld: true, ...ends(engine, transactionId) };
  }
  throw tooOften(key);
}

/** Takes back a charge of which nobody knows whether it was made. */
export async function undo(asked: Asked, idempotencyKey: string): Promise<void> {
  const { engine, customer, cost } = asked;
  const charged = await engine.consume(customer, cost, undefined, { idempotencyKey });
  if (charged.transactionId !== undefined)
    await refund(asked, charged.transactionId, charged.amount);
}

function ends(engine: CreditEngine, transactionId: string): Pick<Passage, "settle" | "reverse"> {
  const reverse = async () => {
    await engine.completeUsage(transactionId, { success: false });
  };
  const settle = async (cost: Amount | undefined) => {
    if (cost !== undefined && Number(cost) === 0) return reverse();
    await engine.completeUsage(transactionId, cost === undefined ? {} : { amount: cost });
  };
  return { settle, reverse };
}

async function refund({ engine, customer }: Asked, charge: string, amount: number): Promise<void> {
  const idempotencyKey = `gate-refund:${charge}`;
  await engine.add(customer, amount, { type: "refund", refundOf: charge, idempotencyKey });
}

async function isRefunded({ engine, customer }: Asked, charge: string): Promise<boolean> {
  const options = { type: "refund", limit: REFUNDS_READ } as const;
  const { data } = await engine.getTransactions(customer, options);
  return data.some(({ refund_of }) => refund_of === charge);
}

/** A charge that was reversed keeps its key, so the next try of the same needs another. */
function* attempts(key: string | undefined): Generator<{ idempotencyKey?: string }> {
  if (key === undefined) yield {};
  else yield { idempotencyKey: key };
  for (let count = 2; key !== undefined && count <= MOST_ATTEMPTS; count += 1)
    yield { idempotencyKey: `${key}.${count}` };
}

function tooOften(idempotencyKey: string | undefined): CreditEngineError {
  const message = "the work of this idempotency key failed too often";
  return new CreditEngineError(message, { code: "too_many_attempts", status: 409, idempotencyKey });
}
