// What handlers said that their requests cost.

import type { Amount } from "../../types/index.d.ts";

// Each entry is a file of its own, in two formats: what one is told, the others must know.
const COSTS = Symbol.for("edge-credits.costs");
const shared = globalThis as { [COSTS]?: WeakMap<object, Amount> };

export function setCost(request: object, cost: Amount): void {
  shared[COSTS] ??= new WeakMap();
  shared[COSTS].set(request, cost);
}

export function statedCost(request: object): Amount | undefined {
  return shared[COSTS]?.get(request);
}
