// What Linux tells about running processes: CPU time, memory, descendants.

import { readdirSync, readFileSync } from "node:fs";

const LOOK_MS = 250;
/** What share of the CPUs others may take before a round is called disturbed. */
export const DISTURBED = 0.1;

/**
 * The clock in /proc/<pid>/stat counts ticks of 10 ms (USER_HZ is 100 on every Linux that
 * Node runs on), so a second of load is exact to a percent or two, and the median of many
 * to a fraction of one.
 * @param {number[]} pids those that have ended count nothing
 */
export function cpuSeconds(pids) {
  let ticks = 0;
  for (const pid of pids) {
    const fields = statOf(pid);
    // utime and stime.
    if (fields) ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / 100;
}

/** @param {number[]} pids */
export function residentBytes(pids) {
  let kilobytes = 0;
  for (const pid of pids) {
    const status = readFileSync(`/proc/${pid}/status`, "latin1");
    kilobytes += Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0);
  }
  return kilobytes * 1024;
}

/**
 * A process and all that come of it.
 * @param {number} root
 */
export function withDescendants(root) {
  /** @type {Map<number, number[]>} */
  const children = new Map();
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    const parent = Number(statOf(Number(name))?.[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/**
 * The fields from the third on; undefined if there is no such process.
 * @param {number} pid
 */
function statOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
    // The second field is the program's name in parentheses, which may hold spaces.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    return undefined;
  }
}

/**
 * How busy this machine's CPUs are with others than us, from 0 to 1, over a moment in which we
 * do nothing.
 */
export async function businessOfOthers() {
  const before = busyAndAll();
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const after = busyAndAll();
  return (after.busy - before.busy) / (after.all - before.all || 1);
}

function busyAndAll() {
  const [line = ""] = readFileSync("/proc/stat", "latin1").split("\n");
  const times = line.trim().split(/\s+/).slice(1, 9).map(Number);
  const all = times.reduce((sum, time) => sum + time, 0);
  // idle and iowait.
  return { all, busy: all - (times[3] ?? 0) - (times[4] ?? 0) };
}
