// What only `npm run proof` needs: Schemathesis, in a Python environment of its own. Its versions
// and their digests are pinned in tests/proof/schemathesis/requirements.txt.

import { copyFileSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { capture, isProgram, run, runMain } from "./process.mjs";
import { perform } from "./setup.mjs";
import { ROOT, TOOLS_DIR, UserError } from "./toolchain.mjs";

const ENVIRONMENT = join(TOOLS_DIR, "python");
const PROGRAMS = join(ENVIRONMENT, process.platform === "win32" ? "Scripts" : "bin");
const REQUIREMENTS = join(ROOT, "tests", "proof", "schemathesis", "requirements.txt");
/** What is installed: written last. */
const INSTALLED = join(ENVIRONMENT, "requirements.txt");
const OLDEST_PYTHON = [3, 10];

export const SCHEMATHESIS = join(PROGRAMS, "schemathesis");

/** The first Python of this machine that is new enough; `PYTHON` names another one. */
async function findPython() {
  const names = process.env.PYTHON ? [process.env.PYTHON] : ["python3", "python"];
  const script = "import sys, venv, ensurepip; print(*sys.version_info[:2])";
  for (const name of names) {
    const { code, stdout } = await capture(name, ["-c", script]).catch(() => ({
      code: 1,
      stdout: "",
    }));
    const [major = 0, minor = 0] = stdout.trim().split(" ").map(Number);
    const [oldest = 0, oldestMinor = 0] = OLDEST_PYTHON;
    if (code === 0 && (major > oldest || (major === oldest && minor >= oldestMinor))) return name;
  }
  throw new UserError(
    `This proof needs Python ${OLDEST_PYTHON.join(".")} or newer with venv and pip, and there is ` +
      "none. Install it (on Debian: apt-get install python3 python3-venv), set PYTHON to its " +
      "path, or leave this proof out with --only.",
  );
}

/** @type {import("./setup.mjs").Step} */
const schemathesis = {
  title: "Schemathesis in a Python environment (.tools/python, about 90 MB)",
  isDone: () =>
    existsSync(INSTALLED) && readFileSync(INSTALLED, "utf8") === readFileSync(REQUIREMENTS, "utf8"),
  act: async () => {
    const python = await findPython();
    rmSync(ENVIRONMENT, { recursive: true, force: true });
    await run(python, ["-m", "venv", ENVIRONMENT]);
    const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    const pinned = ["--require-hashes", "--no-deps", "-r", REQUIREMENTS];
    await run(join(PROGRAMS, "python"), [...pip, ...pinned]);
    copyFileSync(REQUIREMENTS, INSTALLED);
  },
};

/** Makes a machine with Python ready for Schemathesis. */
export async function setupPython() {
  await perform([schemathesis]);
}

if (isProgram(import.meta)) await runMain(setupPython);
