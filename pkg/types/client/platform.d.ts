// What is used of the runtime, described by itself: so the types need neither the DOM's nor Node's.

/** The parts of an `AbortSignal` that are used. */
export interface AbortSignalLike {
  /** Whether it was aborted. */
  readonly aborted: boolean;
  /** Why: the `cause` of the `AbortError`. */
  readonly reason?: unknown;
  /** Listens. Each call takes its listener away again. */
  addEventListener(type: "abort", listener: () => void): void;
  /** Stops listening. */
  removeEventListener(type: "abort", listener: () => void): void;
}

/** The parts of a `Response` that are used. */
export interface ResponseLike {
  /** The HTTP status. */
  readonly status: number;
  /** The answer's headers, whatever their case. */
  readonly headers: { get(name: string): string | null };
  /** The whole body. */
  text(): Promise<string>;
}

/** `fetch`, or anything that is called like it. */
// biome-ignore lint/suspicious/noExplicitAny: the runtimes' own types of `init` differ
export type FetchLike = (url: string, init?: any) => Promise<ResponseLike>;

/** A Cloudflare service binding, or anything with its `fetch`. */
export interface Fetcher {
  /** Takes the requests. Their host says nothing. */
  fetch: FetchLike;
}

/** Where the package runs, as far as it can tell. */
export type Runtime = "cloudflare" | "vercel" | "netlify" | "aws-lambda" | "other";
