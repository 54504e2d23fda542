// A round: a new engine that is killed again and again while clients use it.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { Engine } from "../../e2e/engine.ts";
import { randomNumbers } from "../order.ts";
import { ACTION, type Asked, Asker, TIERS } from "./asks.ts";
import type { History, Operation } from "./history.ts";
import { readJournals } from "./journal.ts";
import { Broken, Line } from "./line.ts";

const PROJECT = "shop";
const CLIENTS = 64;
/** A client goes away with what it asked unanswered, of all that broke off. */
const GIVES_UP = 0.05;
/** Between a 503 and the next try. */
const RETRY_MS = 20;

/** After this long without a charge a start has failed. */
const START_MS = 60_000;

export interface Round {
  engine: Engine;
  seed: number;
  kills: number;
  /** How long the engine lives between two kills, on average. */
  lifeMs: number;
  /** Where clients send to, if not to the engine itself. */
  url?: () => string;
  mayDouble: boolean;
}

/** One restart: milliseconds from the start of the process. */
export interface Restart {
  /** To the first charge that was answered 200. */
  readyMs: number;
  /** For so much of it the runtime, or if longer the clients, could have run and had no CPU. */
  starvedMs: number;
  /** What a start took here with nobody calling and nothing to read in, less its wait for a CPU. */
  idleMs: number;
}

export interface Result {
  histories: History[];
  restarts: Restart[];
}

/** Milliseconds since 1970 with fractions, never set back. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

/** Leaves the engine killed. */
export async function storm(round: Round): Promise<Result> {
  const { engine, seed, kills, lifeMs } = round;
  const random = randomNumbers(seed);
  const idleMs = await idleStart(engine);
  const { live } = await engine.project(PROJECT);
  for (const [route, list] of [
    ["costs", [ACTION]],
    ["tiers", TIERS],
  ] as const) {
    const put = await engine.send("PUT", `/v1/${route}`, { key: live, body: list });
    assert.equal(put.status, 200, JSON.stringify(put.body));
  }

  const line = new Line(round.url ?? (() => engine.url), live, engine.contract);
  const operations: Operation[] = [];
  const funded = new Set<string>();
  const restarts: Restart[] = [];
  let running = Promise.resolve();
  let isOver = false;
  /** Called with each charge that was done. */
  let onCharge = () => {};

  const perform = async (asked: Asked, chance: () => number) => {
    const { operation, request } = asked;
    operations.push(operation);
    const mayRepeat =
      operation.isKeyed || request.method === "GET" || operation.ask.kind === "check";
    for (;;) {
      await running;
      operation.tries.push(now());
      try {
        operation.answer = await line.send(request);
        operation.returned = now();
        if (operation.ask.kind === "consume" && operation.answer.status === 200) onCharge();
        return;
      } catch (error) {
        if (!(error instanceof Broken)) throw error;
        if (!mayRepeat || chance() < GIVES_UP) return;
        await pause(error.message === "503" ? RETRY_MS : 0);
      }
    }
  };
  const client = async (id: number) => {
    const chance = randomNumbers(seed + 1 + id);
    const asker = new Asker(`c${id}`, chance, round.mayDouble, funded);
    while (!isOver) {
      const asked = asker.next();
      await perform(asked, chance);
      asker.learn(asked);
    }
  };
  const restart = async (isUp: () => void) => {
    await engine.kill();
    const began = performance.now();
    const starvedBefore = starvedMs(process.pid);
    const charged = new Promise<Restart>((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("no charge after a start")), START_MS);
      onCharge = () => {
        clearTimeout(timer);
        const readyMs = performance.now() - began;
        const clients = starvedMs(process.pid) - starvedBefore;
        resolve({ readyMs, starvedMs: Math.max(starvedMs(engine.pid), clients), idleMs });
      };
    });
    // Also if the start itself fails.
    charged.catch(() => {});
    await engine.restart();
    isUp();
    return charged;
  };
  const killer = async () => {
    for (let kill = 0; kill < kills && !isOver; kill += 1) {
      // Also soon after a start, while ledgers are read in.
      await pause(random() * 2 * lifeMs);
      let isUp = () => {};
      running = new Promise((resolve) => {
        isUp = resolve;
      });
      restarts.push(await restart(isUp));
    }
    await pause(random() * lifeMs);
  };

  const over = killer().finally(() => {
    isOver = true;
  });
  const clients = Array.from({ length: CLIENTS }, (_, id) => client(id));
  try {
    await Promise.all([over, ...clients]);
    await audits(new Set(operations.map(({ customer }) => customer)), perform);
  } finally {
    isOver = true;
    line.end();
  }
  await engine.kill();
  const journals = readJournals(engine.dataDir);
  return { histories: historiesOf(operations, journals), restarts };
}

/** What a start takes on this machine, now, before there is any load: the measure of the others. */
async function idleStart(engine: Engine): Promise<number> {
  await engine.kill();
  const began = performance.now();
  const starvedBefore = starvedMs(process.pid);
  await engine.restart();
  const own = starvedMs(process.pid) - starvedBefore;
  return performance.now() - began - Math.max(starvedMs(engine.pid), own);
}

/** How long a process's main thread waited for a CPU, where the system tells. */
function starvedMs(pid: number): number {
  try {
    const [, waited] = readFileSync(`/proc/${pid}/schedstat`, "utf8").split(" ");
    return Number(waited) / 1e6;
  } catch {
    return 0;
  }
}

/** Each customer is audited, as an operation that the checker looks at like any other. */
async function audits(
  customers: Set<string>,
  perform: (asked: Asked, chance: () => number) => Promise<void>,
): Promise<void> {
  const names = [...customers];
  const worker = async () => {
    for (let customer = names.pop(); customer !== undefined; customer = names.pop()) {
      const operation: Operation = {
        mark: `audit-${customer}`,
        isKeyed: false,
        customer,
        ask: { kind: "audit" },
        tries: [],
        returned: Number.POSITIVE_INFINITY,
        answer: null,
      };
      const path = `/v1/customers/${customer}/audit`;
      await perform({ operation, request: { method: "GET", path } }, () => 1);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, worker));
}

function historiesOf(operations: Operation[], journals: Map<string, History["rows"]>): History[] {
  const byCustomer = new Map<string, History>();
  const of = (customer: string) => {
    const known = byCustomer.get(customer);
    if (known) return known;
    const history: History = { customer, operations: [], rows: journals.get(customer) ?? [] };
    byCustomer.set(customer, history);
    return history;
  };
  for (const operation of operations) of(operation.customer).operations.push(operation);
  for (const customer of journals.keys()) of(customer);
  return [...byCustomer.values()];
}
