// The entry `edge-credits`.

export {
  AbortError,
  AuthenticationError,
  ConfigurationError,
  ConnectionError,
  CreditEngine,
  CreditEngineError,
  InsufficientCreditsError,
  RateLimitError,
  TimeoutError,
} from "./client.ts";

declare const __VERSION__: string;

export const VERSION = __VERSION__;
