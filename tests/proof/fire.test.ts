import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { after, before, test } from "node:test";
import { Engine } from "../e2e/engine.ts";
import { type Fault as Cut, FaultProxy } from "../package/proxy.ts";
import { check } from "./fire/checker.ts";
import type { Conditions, History, Operation } from "./fire/history.ts";
import { PLANTS } from "./fire/plants.ts";
import { describe } from "./fire/shrink.ts";
import { type Restart, type Result, storm } from "./fire/storm.ts";
import { figures, randomNumbers, SECONDS, SEED } from "./order.ts";

/**
 * A process that is killed loses nothing that the system holds, so that storage in memory
 * proves as much as a disk does. A disk that is shared would be most of what is measured.
 */
const STORAGE = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();
const READY_MS = 1_000;
/** A fifth of the answers is cut; some requests moreover come late or twice. */
const CUTS: Cut[] = ["lost answer", "answer cut off", "answer cut off", "delay", "duplicate"];
const CUT_RATE = 1 / 3;

const IS_LONG = SECONDS !== undefined;
/** Kills in one round, in all, and the time from one to the next. */
const DIRECT = IS_LONG
  ? { round: 25, kills: 100, lifeMs: lifeMs(100) }
  : { round: 7, kills: 7, lifeMs: 1_200 };
const CUT = IS_LONG
  ? { round: 25, kills: 50, lifeMs: lifeMs(100) }
  : { round: 3, kills: 3, lifeMs: 1_200 };

function lifeMs(kills: number): number {
  return Math.min(Math.max((600 * (SECONDS ?? 0)) / (kills + 50), 500), 3_000);
}

let engine: Engine;
before(async () => {
  engine = await Engine.start({}, STORAGE);
});
after(() => engine.end());

/** Rounds, each in a project of its own, until there were kills enough and the time is over. */
async function rounds(
  name: string,
  plan: { round: number; kills: number; lifeMs: number },
  share: number,
  conditions: Conditions,
  url?: () => string,
): Promise<Result> {
  const end = Date.now() + (SECONDS ?? 0) * share * 1000;
  const all: Result = { histories: [], restarts: [] };
  for (let round = 0; all.restarts.length < plan.kills || Date.now() < end; round += 1) {
    const { histories, restarts } = await storm({
      engine,
      project: `${name}-${round}`,
      seed: SEED + round,
      kills: plan.round,
      lifeMs: plan.lifeMs,
      ...conditions,
      ...(url ? { url } : {}),
    });
    judge(histories, conditions);
    all.histories.push(...histories);
    all.restarts.push(...restarts);
  }
  return all;
}

/** Fails with the smallest history of the first fault. */
function judge(histories: History[], conditions: Conditions): void {
  for (const history of histories) {
    const [fault] = check(history, conditions);
    if (fault) assert.fail(`seed ${SEED}\n${describe(history, fault, conditions)}`);
    assertAudited(history);
  }
}

/** The engine's audit against a sum over the rows in SQLite. */
function assertAudited({ customer, operations, rows }: History): void {
  const audit = operations.findLast(({ ask }) => ask.kind === "audit")?.answer;
  if (rows.length === 0) {
    assert.equal(audit?.status, 404, customer);
    return;
  }
  assert.ok(audit?.body.consistent, `${customer}: ${JSON.stringify(audit)}`);
  const counted = rows.slice(0, audit.body.entries);
  const sum = counted.reduce((total, { amount }) => total + amount, 0) / 1_000_000;
  const found = [audit.body.entries, audit.body.live_balance, audit.body.journal_balance];
  assert.deepEqual(found, [counted.length, sum, sum], customer);
}

/** Fails if a start took too long by what it waited for besides a CPU that others had. */
function assertReady(restarts: Restart[]): string {
  const late = restarts.filter(({ readyMs, starvedMs }) => readyMs - starvedMs > READY_MS);
  assert.deepEqual(late, [], "not ready in time");
  const ready = restarts.map(({ readyMs }) => Math.round(readyMs)).sort((a, b) => a - b);
  const over = ready.filter((ms) => ms > READY_MS).length;
  const starved = over > 0 ? `, ${over} over 1 s for want of CPU` : "";
  return `first charge after a start in ${ready[ready.length >> 1]} ms (median), ${ready.at(-1)} ms (most)${starved}`;
}

function summary({ histories, restarts }: Result): string {
  const operations = histories.flatMap((history) => history.operations);
  const count = (is: (operation: Operation) => boolean) => operations.filter(is).length;
  const changed = count(
    ({ answer }) => answer?.status === 200 && Number.isInteger(answer.body.seq),
  );
  const unknown = count(({ answer }) => answer === null);
  const retried = count(({ tries }) => tries.length > 1);
  const repeated = count(
    ({ ask, answer }) => ask.kind !== "again" && answer?.body.replayed === true,
  );
  const entries = histories.reduce((sum, { rows }) => sum + rows.length, 0);
  return [
    `${restarts.length} kills, ${operations.length} operations, ${entries} entries`,
    `${changed} changes acknowledged, ${unknown} answers never known`,
    `${retried} asked again, of which ${repeated} had been done`,
    "0 lost, 0 doubled, all histories linearizable, all audits consistent",
  ].join("; ");
}

test("kill -9 under load: nothing lost, nothing doubled, one order", async (t) => {
  const alone = { mayDouble: false };
  const result = await rounds("direct", DIRECT, 0.6, alone);
  figures(`kill -9: ${summary(result)}`);
  figures(`kill -9: ${assertReady(result.restarts)}`);

  await t.test("faults planted in what was recorded are found", () => {
    const random = randomNumbers(SEED);
    const pick = <T>(list: T[]) => list[Math.floor(random() * list.length)] as T;
    const hottest = result.histories.reduce((a, b) => (a.rows.length > b.rows.length ? a : b));
    for (const [name, plant] of Object.entries(PLANTS)) {
      const history = structuredClone(hottest);
      plant(history, pick);
      assert.notDeepEqual(check(history, alone), [], `seed ${SEED}: ${name} was overlooked`);
    }
  });
});

test("the same through a proxy that cuts a fifth of the answers", async () => {
  const proxy = await FaultProxy.start(() => engine.url, CUT_RATE, SEED, CUTS);
  try {
    const result = await rounds("cut", CUT, 0.4, { mayDouble: true }, () => proxy.url);
    const { counts } = proxy;
    const cut = counts["lost answer"] + counts["answer cut off"];
    figures(`a proxy that cut ${cut} answers: ${summary(result)}`);
    figures(`a proxy: ${assertReady(result.restarts)}`);
  } finally {
    await proxy.end();
  }
});
