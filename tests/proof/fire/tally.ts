// What rounds add up to, for the table of results.

import type { Json, Operation } from "./history.ts";
import type { Restart, Result } from "./storm.ts";

export class Tally {
  readonly restarts: Restart[] = [];
  #operations = 0;
  #entries = 0;
  #acknowledged = 0;
  #unknown = 0;
  #retried = 0;
  #repeated = 0;

  add({ histories, restarts }: Result): void {
    const operations = histories.flatMap((history) => history.operations);
    const count = (is: (operation: Operation) => boolean) => operations.filter(is).length;
    this.restarts.push(...restarts);
    this.#operations += operations.length;
    this.#entries += histories.reduce((sum, { rows }) => sum + rows.length, 0);
    this.#acknowledged += count(isAcknowledged);
    this.#unknown += count(({ answer }) => answer === null);
    this.#retried += count(({ tries }) => tries.length > 1);
    this.#repeated += count(({ ask, answer }) => ask.kind !== "again" && isRepeated(answer?.body));
  }

  get kills(): number {
    return this.restarts.length;
  }

  /** Of rounds in which no fault was found. */
  get summary(): string {
    return [
      `${this.kills} kills, ${this.#operations} operations, ${this.#entries} entries`,
      `${this.#acknowledged} changes acknowledged, ${this.#unknown} answers never known`,
      `${this.#retried} asked again, of which ${this.#repeated} had been done`,
      "0 lost, 0 doubled, all histories linearizable, all audits consistent",
    ].join("; ");
  }

  /** How long starts took, as the clock has it and without waiting for a CPU. */
  get readiness(): string {
    const own = this.restarts.map(({ readyMs, starvedMs }) => readyMs - starvedMs);
    const all = this.restarts.map(({ readyMs }) => readyMs);
    const idle = this.restarts.map(({ idleMs }) => idleMs);
    return (
      `first charge after a start: ${spread(all)}; less the wait for a CPU: ${spread(own)}; ` +
      `an idle start: ${spread(idle)}`
    );
  }
}

function isAcknowledged({ ask, answer }: Operation): boolean {
  if (answer?.status !== 200) return false;
  return ask.kind === "batch" ? answer.body.succeeded > 0 : Number.isInteger(answer.body.seq);
}

/** Whether the answer tells of what an earlier try did. */
function isRepeated(body: Json): boolean {
  const parts: Json[] = [body, ...(body?.results ?? [])];
  return parts.some((part) => part?.replayed === true);
}

function spread(times: number[]): string {
  const sorted = times.map(Math.round).sort((a, b) => a - b);
  return `median ${sorted[sorted.length >> 1]} ms, most ${sorted.at(-1)} ms`;
}
