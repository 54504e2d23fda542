/** The Worker's bindings, as `wrangler.toml` declares them. */
export interface Env {
  LEDGER: DurableObjectNamespace<Callable>;
  PROJECT: DurableObjectNamespace<Callable>;
  REGISTRY: DurableObjectNamespace<Callable>;
  EVENTS: DurableObjectNamespace<Callable>;
  ROLLUP: DurableObjectNamespace<Callable>;
  IMPORTER: DurableObjectNamespace<Callable>;
  CREDITS_KV: KVNamespace;
  /** The gated service, for rules that name no origin of their own. */
  ORIGIN?: Fetcher;
  /** The operator's token: a secret. */
  ADMIN_TOKEN?: string;
  /** Signs API keys: a secret. */
  KEY_SECRET?: string;
  /** Still accepted while `KEY_SECRET` is being rotated: a secret. */
  KEY_SECRET_PREVIOUS?: string;
  /** Stripe's API keys, live and test: secrets. */
  STRIPE_SECRET_KEY?: string;
  STRIPE_TEST_SECRET_KEY?: string;
  /** What Stripe signs its webhooks with, live and test: secrets. */
  STRIPE_WEBHOOK_SECRET?: string;
  STRIPE_TEST_WEBHOOK_SECRET?: string;
  /** Where Stripe is, instead of its own address: to try things out. */
  STRIPE_API_BASE?: string;
  /** Origins that browsers may call from, separated by commas, or `*`. Empty: none. */
  CORS_ORIGINS?: string;
  /** Sets the engine's clock ahead, in milliseconds: to try things out, never in production. */
  CLOCK_OFFSET_MS?: string;
}

/** Every object takes one message and gives one reply. */
export interface Callable extends Rpc.DurableObjectBranded {
  call(message: string): Promise<string>;
}

/** A ledger moreover goes on with what another could not do for it. */
export interface Ledger extends Callable {
  goOn(): Promise<void>;
}
