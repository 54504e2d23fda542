// The engine's clock. CLOCK_OFFSET_MS sets it ahead, so that a developer or a test sees the
// end of a period without waiting for it; without it this is the platform's clock.

import type { Env } from "./env";

let offset = 0;

export function setClock(env: Env): void {
  offset = Number(env.CLOCK_OFFSET_MS ?? 0) || 0;
}

/** The engine's time in milliseconds since 1970. */
export function now(): number {
  return Date.now() + offset;
}

/** An instant of the engine as the platform's alarms know it. */
export function toPlatform(at: number): number {
  return at - offset;
}

/** The inverse. */
export function fromPlatform(at: number): number {
  return at + offset;
}

/** Whether so much time has passed, or nobody can tell: the clock went back. */
export function hasPassed(ms: number, since: number, at: number): boolean {
  return at < since || at - since >= ms;
}
