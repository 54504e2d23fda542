// Where the contenders keep their ledgers while they are measured. Memory (tmpfs) shows
// what the software costs; a disk shows what its commits cost on that disk.

import { existsSync, mkdirSync, mkdtempSync, rmSync, statfsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../scripts/toolchain.mjs";

const SHARED_MEMORY = "/dev/shm";
const TMPFS_MAGIC = 0x01021994;
const BUILD_DIR = join(ROOT, "build");

/**
 * @typedef {object} Storage
 * @property {"tmpfs" | "disk"} kind
 * @property {string} parent
 */

/**
 * @param {{ tmpfs: boolean, disk: boolean }} options
 * @returns {Storage[]}
 */
export function chooseStorages({ tmpfs, disk }) {
  const hasTmpfs = existsSync(SHARED_MEMORY) && isTmpfs(SHARED_MEMORY);
  mkdirSync(BUILD_DIR, { recursive: true });
  /** @type {Storage} */
  const onDisk = { kind: "disk", parent: BUILD_DIR };
  if (!hasTmpfs) {
    console.log(
      `note: there is no tmpfs at ${SHARED_MEMORY}; ledgers go to the disk, and the figures show the disk`,
    );
    return [onDisk];
  }
  /** @type {Storage} */
  const inMemory = { kind: "tmpfs", parent: SHARED_MEMORY };
  if (!disk) return [inMemory];
  if (isTmpfs(BUILD_DIR)) {
    console.log("note: the project lies on a tmpfs itself, so no disk is measured");
    return [inMemory];
  }
  return tmpfs ? [inMemory, onDisk] : [onDisk];
}

/**
 * A fresh directory, removed by `dispose` or when this program ends.
 * @param {Storage} storage
 */
export function freshDirectory({ parent }) {
  const path = mkdtempSync(join(parent, "edge-credits-bench-"));
  const remove = () => rmSync(path, { recursive: true, force: true });
  process.once("exit", remove);
  return {
    path,
    dispose() {
      process.off("exit", remove);
      remove();
    },
  };
}

/** @param {string} path */
function isTmpfs(path) {
  return statfsSync(path).type === TMPFS_MAGIC;
}
