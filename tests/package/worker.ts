// A Worker of a user's: bundled by wrangler, without configuration, and run on workerd.

import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { promisify } from "node:util";
import { readWranglerToml } from "../../scripts/selfhost/config.mjs";
import { toolEnv, WORKERD, WRANGLER } from "../../scripts/toolchain.mjs";
import type { Project } from "./install.ts";

const BUNDLE = "bundle";
const START_DEADLINE_MS = 20_000;
const DATE = readWranglerToml().compatibilityDate;

interface Bindings {
  /** `host:port` behind a service binding `CREDITS`. A Worker that has it has no network. */
  bound?: string;
  /** Bindings of text. */
  variables?: Record<string, string>;
}

export class UserWorker {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #output: string[];

  private constructor(url: string, child: ChildProcess, output: string[]) {
    this.url = url;
    this.#child = child;
    this.#output = output;
  }

  /** What workerd had to say so far. */
  get output(): string {
    return this.#output.join("");
  }

  /** Runs what `bundle` has left in a project. */
  static async start(project: Project, bindings: Bindings): Promise<UserWorker> {
    const config = project.write("config.capnp", configOf(project, bindings));
    const child = spawn(WORKERD, ["serve", "--control-fd=3", config], {
      cwd: project.dir,
      stdio: ["ignore", "pipe", "pipe", "pipe"],
    });
    const output: string[] = [];
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (text) => output.push(String(text)));
    const url = await new Promise<string>((resolve, reject) => {
      const fail = () => {
        child.kill("SIGKILL");
        reject(new Error(`workerd opened no port: ${output.join("")}`));
      };
      const timer = setTimeout(fail, START_DEADLINE_MS);
      child.once("exit", fail);
      (child.stdio[3] as Readable).once("data", (line) => {
        clearTimeout(timer);
        child.off("exit", fail);
        resolve(`http://127.0.0.1:${JSON.parse(String(line)).port}`);
      });
    });
    return new UserWorker(url, child, output);
  }

  end(): void {
    this.#child.kill("SIGKILL");
  }
}

/** Bundles a Worker as `wrangler deploy` would; gives what wrangler said. */
export async function bundle(project: Project, source: string): Promise<string> {
  const path = project.write("worker.js", source);
  const deploy = ["deploy", path, "--dry-run", "--outdir", BUNDLE, "--name", "shop"];
  const args = [WRANGLER, ...deploy, "--compatibility-date", DATE];
  const options = { cwd: project.dir, env: toolEnv(), timeout: 60_000 };
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, options);
  return stdout + stderr;
}

function configOf(project: Project, { bound, variables = {} }: Bindings): string {
  const files = readdirSync(join(project.dir, BUNDLE));
  const modules = files
    .filter((file) => file.endsWith(".wasm"))
    .map((file) => module(file, "wasm"));
  const bindings = Object.entries(variables).map(
    ([name, text]) => `(name = "${name}", text = "${text}")`,
  );
  if (bound) bindings.push('(name = "CREDITS", service = "credits")');
  const allowed = bound ? "" : '"private", "public"';
  const external = bound ? `(name = "credits", external = (address = "${bound}", http = ())),` : "";
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .mainWorker),
    (name = "internet", network = (allow = [${allowed}])),
    ${external}
  ],
  sockets = [ (name = "http", address = "127.0.0.1:0", http = (), service = "main") ],
);
const mainWorker :Workerd.Worker = (
  modules = [ ${[module("worker.js", "esModule"), ...modules].join(", ")} ],
  bindings = [ ${bindings.join(", ")} ],
  compatibilityDate = "${DATE}",
);
`;
}

function module(file: string, kind: string): string {
  return `(name = "${file}", ${kind} = embed "${BUNDLE}/${file}")`;
}
