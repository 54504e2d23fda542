// What only the tests need: the runtimes, bundlers and frameworks that the package is tried in,
// and a browser with its driver. `npm start` does without them.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { capture, findProgram, isProgram, run, runMain } from "./process.mjs";
import { packagesMatchLock, perform } from "./setup.mjs";
import { ROOT, UserError } from "./toolchain.mjs";

export const RUNTIMES_DIR = join(ROOT, "tests", "runtimes");

const BROWSERS = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
const MAC_BROWSER = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome";
const DEBIAN_PACKAGES = ["chromium", "chromium-driver"];

/** The browser of this machine: `CHROMIUM` names another one. Undefined if there is none. */
export function findBrowser() {
  if (process.env.CHROMIUM) return process.env.CHROMIUM;
  return findProgram(BROWSERS) ?? (existsSync(MAC_BROWSER) ? MAC_BROWSER : undefined);
}

/** The browser's driver, which wasm-bindgen's test runner needs. `CHROMEDRIVER` names another one. */
export function findDriver() {
  return process.env.CHROMEDRIVER || findProgram(["chromedriver"]);
}

/** @type {import("./setup.mjs").Step} */
const packages = {
  title: "runtimes, bundlers and frameworks to test in (npm ci in tests/runtimes, about 700 MB)",
  isDone: () => packagesMatchLock(RUNTIMES_DIR),
  act: () => run("npm", ["ci", "--no-audit", "--no-fund"], { cwd: RUNTIMES_DIR }),
};

/** @type {import("./setup.mjs").Step} */
const browser = {
  title: `a browser and its driver (${DEBIAN_PACKAGES.join(", ")})`,
  isDone: () => findBrowser() !== undefined && findDriver() !== undefined,
  act: async () => {
    const isDebian =
      (await capture("apt-get", ["--version"]).catch(() => ({ code: 1 }))).code === 0;
    if (!isDebian || process.getuid?.() !== 0) {
      throw new UserError(
        "The tests need Chrome or Chromium and its ChromeDriver. Install them (on Debian: " +
          `apt-get install ${DEBIAN_PACKAGES.join(" ")}), or set CHROMIUM and CHROMEDRIVER to their paths.`,
      );
    }
    await run("apt-get", ["update", "-qq"]);
    await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", ...DEBIAN_PACKAGES], {
      env: { DEBIAN_FRONTEND: "noninteractive" },
    });
  },
};

/** Makes a clone that is set up ready for the tests. */
export async function setupRuntimes() {
  await perform([packages, browser]);
}

if (isProgram(import.meta)) await runMain(setupRuntimes);
