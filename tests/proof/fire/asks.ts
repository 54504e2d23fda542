// What clients ask: a seeded choice of operations, and how each goes over the wire.

import { type Ask, type Credit, credits, type Micros, type Operation } from "./history.ts";
import type { Request } from "./line.ts";

export const HOT = 10;
export const COLD = 1_000;
/** The share of operations that go to one of the hot customers. */
const HOT_SHARE = 0.7;
/** Of all that could have a key. */
const KEYLESS_SHARE = 0.1;

/** What a priced action costs. */
export const ACTION = { service: "ai", action: "ask", credits: 1.25, description: null };
export const TIERS = [
  { id: "small", name: "Small", allocation: 5, period: "day" },
  { id: "large", name: "Large", allocation: 20, period: "day" },
];
/** Hot customers that change their tier, and those that may go into debt. */
const TIERED = [0, 1];
const OVERDRAWN = [2, 3];

const CREDIT = 1_000_000;

/** A charge or hold of the client's own, as it knows it. */
interface Known {
  customer: string;
  seq: number;
  id: string;
  amount: Micros;
}

export interface Asked {
  operation: Operation;
  request: Request;
}

type Kind = Ask["kind"] | "refund" | "adjustment" | "complete again";

const WEIGHTS: [Kind, number][] = [
  ["consume", 30],
  ["batch", 7],
  ["credit", 5],
  ["adjustment", 3],
  ["refund", 4],
  ["reserve", 10],
  ["complete", 10],
  ["complete again", 1],
  ["extend", 2],
  ["tier", 1],
  ["overage", 1],
  ["again", 3],
  ["clash", 1],
  ["balance", 8],
  ["check", 3],
  ["audit", 2],
  ["transactions", 2],
  ["transaction", 2],
  ["usage", 2],
];

/** One client: what it will ask next, and what it remembers of what it was answered. */
export class Asker {
  readonly #id: string;
  readonly #random: () => number;
  readonly #mayDouble: boolean;
  #count = 0;
  #holds: Known[] = [];
  #settled: Known[] = [];
  #charges: Known[] = [];
  #done: Asked[] = [];
  /** Customers that had too little. */
  #poor: string[] = [];
  /** Those that somebody gave credits to, by all clients. */
  readonly #funded: Set<string>;

  constructor(id: string, random: () => number, mayDouble: boolean, funded: Set<string>) {
    this.#id = id;
    this.#random = random;
    this.#mayDouble = mayDouble;
    this.#funded = funded;
  }

  next(): Asked {
    for (;;) {
      const asked = this.#ask(this.#kind());
      if (asked) return asked;
    }
  }

  /** Learns from an answer. */
  learn(asked: Asked): void {
    const { operation } = asked;
    const { ask, answer, customer } = operation;
    if (answer === null) return;
    const { status, body } = answer;
    if (status === 402 || body.continue === false) this.#poor.push(customer);
    if (status !== 200 || !Number.isInteger(body.seq)) return;
    const known = { customer, seq: body.seq, id: body.transaction_id };
    if (ask.kind === "consume") this.#charges.push({ ...known, amount: ask.amount });
    if (ask.kind === "reserve") this.#holds.push({ ...known, amount: ask.amount });
    if (ask.kind === "complete") {
      this.#charges.push({
        ...known,
        seq: ask.hold,
        amount: Math.round(body.credits_used * CREDIT),
      });
      this.#settled.push({ ...known, seq: ask.hold, amount: 0 });
    }
    const isRemembered = operation.isKeyed && ["consume", "credit", "reserve"].includes(ask.kind);
    if (isRemembered) this.#done.push(asked);
    for (const list of [this.#charges, this.#settled, this.#done, this.#poor])
      if (list.length > 40) list.splice(0, 20);
  }

  #kind(): Kind {
    const total = WEIGHTS.reduce((sum, [, weight]) => sum + weight, 0);
    let left = this.#random() * total;
    for (const [kind, weight] of WEIGHTS) {
      left -= weight;
      if (left < 0) return kind;
    }
    return "balance";
  }

  #below(count: number): number {
    return Math.floor(this.#random() * count);
  }

  #oneOf<T>(list: readonly T[]): T | undefined {
    return list[this.#below(list.length)];
  }

  /** Quarters of a credit. */
  #amount(most: number): Micros {
    return (1 + this.#below(most * 4)) * (CREDIT / 4);
  }

  #customer(): string {
    if (this.#random() >= HOT_SHARE) return `cold-${this.#below(COLD)}`;
    // Some are hotter than others.
    return `hot-${Math.min(this.#below(HOT), this.#below(HOT))}`;
  }

  #ask(chosen: Kind): Asked | undefined {
    const customer = this.#customer();
    // Most customers begin with credits; the others are a question too.
    const kind = this.#funded.has(customer) || this.#random() < 0.2 ? chosen : "credit";
    switch (kind) {
      case "consume":
        return this.#consume(customer);
      case "batch":
        return this.#batch(customer);
      case "credit": {
        // Where there was too little, more often than elsewhere.
        const poor = this.#random() < 0.8 ? this.#poor.pop() : undefined;
        const expires = this.#random() < 0.4 ? Date.now() + 500 + this.#below(8_000) : null;
        const priority = this.#random() < 0.3 ? this.#below(3) * 20 : null;
        const amount = this.#amount(16);
        return this.#credit(poor ?? customer, { type: "topup", amount, expires, priority });
      }
      case "adjustment": {
        const sign = this.#random() < 0.5 ? 1 : -1;
        return this.#credit(customer, { type: "adjustment", amount: sign * this.#amount(4) });
      }
      case "refund": {
        const charge = this.#oneOf(this.#charges);
        if (!charge) return undefined;
        const amount = this.#random() < 0.2 ? charge.amount + CREDIT / 4 : charge.amount / 2;
        if (amount <= 0) return undefined;
        const more = { type: "refund" as const, amount, refundOf: charge.seq };
        return this.#credit(charge.customer, more, charge.id);
      }
      case "reserve": {
        const [amount, seconds] = [this.#amount(4), 1 + this.#below(4)];
        const ask: Ask = { kind, amount, lifeMs: seconds * 1000 };
        const body = { user_id: customer, amount: credits(amount), expires_in: seconds };
        return this.#make(customer, ask, (mark) => ({
          method: "POST",
          path: "/v1/usage-transactions",
          body: { ...body, feature_identifier: mark },
        }));
      }
      case "complete":
        return this.#complete(this.#holds.splice(this.#below(this.#holds.length), 1)[0]);
      case "complete again":
        return this.#complete(this.#oneOf(this.#settled));
      case "extend": {
        const hold = this.#oneOf(this.#holds);
        if (!hold) return undefined;
        const seconds = 1 + this.#below(4);
        const ask: Ask = { kind, hold: hold.seq, lifeMs: seconds * 1000 };
        return this.#usage(hold, ask, "/extend", { expires_in: seconds });
      }
      case "tier": {
        const tier = this.#oneOf(TIERS);
        if (!tier) return undefined;
        const who = `hot-${this.#oneOf(TIERED)}`;
        const reset = this.#random() < 0.5;
        const ask: Ask = { kind, tier: tier.id, allocation: tier.allocation * CREDIT, reset };
        const body = { tier_id: tier.id, reset_balance: reset };
        return this.#post(who, ask, "tier", body);
      }
      case "overage": {
        const who = `hot-${this.#oneOf(OVERDRAWN)}`;
        const limit = this.#below(4) * 5 * CREDIT;
        return this.#make(who, { kind, limit }, () => ({
          method: "PATCH",
          path: `/v1/customers/${who}/settings`,
          body: { overage_mode: "allow", overage_limit: credits(limit) },
        }));
      }
      case "again":
      case "clash":
        return this.#repeat(kind);
      default:
        return this.#read(kind, customer);
    }
  }

  #consume(customer: string): Asked {
    const path = "consume";
    if (this.#random() < 0.7) {
      const amount = this.#amount(3);
      return this.#post(customer, { kind: "consume", amount }, path, { amount: credits(amount) });
    }
    const quantity = 1 + this.#below(2);
    const amount = ACTION.credits * CREDIT * quantity;
    const { service, action } = ACTION;
    return this.#post(customer, { kind: "consume", amount }, path, { service, action, quantity });
  }

  #batch(customer: string): Asked {
    const amounts = Array.from({ length: 1 + this.#below(5) }, () => this.#amount(3));
    const atomic = this.#random() < 0.5;
    return this.#make(customer, { kind: "batch", atomic, amounts }, (mark) => ({
      method: "POST",
      path: `/v1/customers/${customer}/consume-batch`,
      body: {
        atomic,
        items: amounts.map((amount, item) => ({
          amount: credits(amount),
          description: `${mark}.${item}`,
        })),
      },
    }));
  }

  #credit(customer: string, given: Partial<Credit>, refundOf?: string): Asked {
    const none = { type: "topup" as const, amount: 0, expires: null, priority: null };
    const ask: Credit = { kind: "credit", ...none, refundOf: null, ...given };
    this.#funded.add(customer);
    return this.#post(customer, ask, "credits", {
      type: ask.type,
      amount: credits(ask.amount),
      ...(ask.expires === null ? {} : { expires_at: new Date(ask.expires).toISOString() }),
      ...(ask.priority === null ? {} : { priority: ask.priority }),
      ...(refundOf === undefined ? {} : { refund_of: refundOf }),
    });
  }

  #complete(hold: Known | undefined): Asked | undefined {
    if (!hold) return undefined;
    const success = this.#random() < 0.8;
    // Less than was held, or more, or just that.
    const amount = success && this.#random() < 0.7 ? this.#amount(5) : null;
    const ask: Ask = { kind: "complete", hold: hold.seq, success, amount };
    const more = amount === null ? {} : { amount: credits(amount) };
    return this.#usage(hold, ask, "/complete", { success, ...more });
  }

  #usage(hold: Known, ask: Ask, action: string, body: object): Asked {
    const path = `/v1/usage-transactions/${hold.id}${action}`;
    return this.#make(hold.customer, ask, () => ({ method: "POST", path, body }), true);
  }

  #post(customer: string, ask: Ask, route: string, body: object): Asked {
    const described = ask.kind === "consume" || ask.kind === "credit";
    return this.#make(customer, ask, (mark) => ({
      method: "POST",
      path: `/v1/customers/${customer}/${route}`,
      body: described ? { ...body, description: mark } : body,
    }));
  }

  /** The same once more, or another under the same key. */
  #repeat(kind: "again" | "clash"): Asked | undefined {
    const first = this.#oneOf(this.#done);
    if (!first) return undefined;
    const { customer } = first.operation;
    const body = { ...first.request.body };
    if (kind === "clash" && first.operation.ask.kind === "reserve") body.expires_in = 999;
    else if (kind === "clash") body.metadata = { other: true };
    const ask: Ask = { kind, of: first.operation };
    const { operation } = this.#make(customer, ask, () => first.request, true);
    return { operation, request: { ...first.request, body } };
  }

  #read(kind: Kind, customer: string): Asked | undefined {
    const get = (who: string, ask: Ask, path: string) =>
      this.#make(who, ask, () => ({ method: "GET", path }));
    const own = `/v1/customers/${customer}`;
    switch (kind) {
      case "balance":
        return get(customer, { kind }, `${own}/balance?include=breakdown`);
      case "audit":
        return get(customer, { kind }, `${own}/audit`);
      case "transactions":
        return get(customer, { kind, limit: 5 }, `${own}/transactions?limit=5`);
      case "check": {
        const amount = this.#amount(3);
        return this.#post(customer, { kind, amount }, "check", { amount: credits(amount) });
      }
      case "transaction": {
        // That of a hold's charge is the hold's own, which is no transaction.
        const charge = this.#oneOf(this.#charges);
        if (!charge) return undefined;
        return get(charge.customer, { kind, seq: charge.seq }, `/v1/transactions/${charge.id}`);
      }
      case "usage": {
        const hold = this.#oneOf([...this.#holds, ...this.#settled]);
        if (!hold) return undefined;
        return get(hold.customer, { kind, hold: hold.seq }, `/v1/usage-transactions/${hold.id}`);
      }
      default:
        return undefined;
    }
  }

  #make(
    customer: string,
    ask: Ask,
    request: (mark: string) => Request,
    mustHaveKey = false,
  ): Asked {
    this.#count += 1;
    const mark = `${this.#id}-${this.#count}`;
    const sent = request(mark);
    const isRead = sent.method === "GET" || ask.kind === "check";
    // Without a key a change that goes out twice may be made twice, and rightly so. Where the
    // entry cannot carry the mark, only its key says whose it is.
    const couldLackKey =
      !mustHaveKey && !this.#mayDouble && ["consume", "batch", "credit"].includes(ask.kind);
    const isKeyed = !isRead && !(couldLackKey && this.#random() < KEYLESS_SHARE);
    const operation: Operation = {
      mark,
      isKeyed,
      customer,
      ask,
      tries: [],
      returned: Number.POSITIVE_INFINITY,
      answer: null,
    };
    return { operation, request: isKeyed ? { ...sent, key: mark } : sent };
  }
}
