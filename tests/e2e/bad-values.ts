// Values that are wrong, by what they are meant to be.

/** A case: the JSON text of a value or of a body, and the code that refuses it. */
export type Bad = [text: string, code: string];

/** Texts that one code refuses. */
export const all = (code: string, ...texts: string[]): Bad[] => texts.map((text) => [text, code]);
const quoted = (...texts: string[]): string[] => texts.map((text) => JSON.stringify(text));

const NO_AMOUNTS = all(
  "invalid_amount",
  ...["1e-7", "0.0000001", "-0.0000001", "1e-400", "9000000001", "9000000000.000001"],
  ...["9007199254740992", "1e400", "-1e400", "-9000000001", '"5"', '""', "true", "[]", "{}"],
);
const NEGATIVE = all("invalid_amount", "-1", "-0.000001", "-9000000000");
const NULL_AMOUNT = all("invalid_amount", "null");
const NO_STRINGS = all("invalid_field", "5", "true", "[]", "{}", '"\\ud800"');
export const NO_TOKENS: Bad[] = [
  ...all("invalid_field", "5", "[]", '"x"', '{"input_tokens":-1}', '{"output_tokens":1.5}'),
  ...all("invalid_field", '{"input_tokens":1e400}', '{"input_tokens":1000000000001}'),
  ...all("invalid_field", '{"input_tokens":"1"}', '{"input_tokens":1,"input_tokens":1}'),
  ...all("invalid_field", '{"input_tokens":1,"cached_input_tokens":2}'),
  ...all("unknown_field", '{"input":1}', '{"input_tokens":1,"total_tokens":1}'),
];
const integer = (least: number, most: number): Bad[] => [
  ...all("invalid_field", `${least - 1}`, `${most + 1}`, "1.5", '"5"', "1e400", "true", "[]"),
  ...all("invalid_field", "9223372036854775808"),
];

/** What no settings of a customer are, as fields of one object. */
export const NO_SETTINGS: Bad[] = [
  ...all("unknown_field", '{"default_tier":"free"}', '{"webhook_url":"https://example.com"}'),
  ...all("invalid_field", '{"overage_mode":"x"}', '{"auto_purchase_limit":101}'),
  ...all("invalid_amount", '{"overage_limit":-1}', '{"low_balance_threshold":"1"}'),
];
const limitOf = (feature: string) => ({ per: "day", amount: 1, feature });

/** What is refused as a field of each kind. */
export const KINDS = {
  "amount above zero": [
    ...NO_AMOUNTS,
    ...NEGATIVE,
    ...NULL_AMOUNT,
    ...all("invalid_amount", "0", "-0", "0e9"),
  ],
  "amount from zero": [...NO_AMOUNTS, ...NEGATIVE, ...NULL_AMOUNT],
  "amount or nothing": [...NO_AMOUNTS, ...NEGATIVE],
  name: [
    ...NO_STRINGS,
    ...all("invalid_field", ...quoted("", "x".repeat(257), "é".repeat(129), "a\u0000b", "a\nb")),
    ...all("invalid_field", ...quoted("\u007f", "\u0085", "tab\t")),
  ],
  text: [...NO_STRINGS, ...all("invalid_field", ...quoted("x".repeat(1025), "é".repeat(513)))],
  time: [
    ...NO_STRINGS,
    ...all(
      "invalid_field",
      ...quoted("", "now", "2026-03-01", "2026-03-01T00:00:00", "2026-02-30T00:00:00Z"),
    ),
    ...all(
      "invalid_field",
      ...quoted("2026-03-01T24:00:01Z", "1772323200", "2026-03-01T00:00:00Zx"),
    ),
  ],
  word: [...NO_STRINGS, ...all("invalid_field", '""', '"x"', '"TOPUP"')],
  "only false": all("invalid_field", "true", '"false"', "0", "[]", "{}"),
  "browser url": [
    ...NO_STRINGS,
    ...all("invalid_field", ...quoted("", "a.test", "ftp://a.test/", "javascript:alert(1)")),
    ...all("invalid_field", ...quoted("https://a.test/ b", "https://a.test/\n", "/paid")),
    ...all("invalid_field", ...quoted(`https://a.test/${"x".repeat(4986)}`)),
  ],
  boolean: all("invalid_field", '"true"', "1", "0", "[]", "{}"),
  metadata: all(
    "invalid_field",
    "[]",
    '"x"',
    "5",
    "true",
    `{"a":"${"x".repeat(4089)}"}`,
    '{"a":1e400}',
  ),
  tokens: NO_TOKENS,
  quantity: integer(1, 1_000_000_000),
  seconds: integer(1, 86_400),
  overlap: integer(0, 604_800),
  priority: integer(0, 1_000_000),
  "id of a charge": [...NO_STRINGS, ...all("invalid_field", '""', '"txn_"', '"txn_x"')],
  scopes: all(
    "invalid_field",
    "[]",
    '"read"',
    "{}",
    '["x"]',
    "[1]",
    '["read","READ"]',
    '["admin"]',
  ),
  items: all("invalid_field", "[]", "{}", '"x"', "[5]", "[[]]", "[null]"),
  outcomes: all("invalid_field", "{}", '"5xx"', '["4xx"]', '["5xx","5xx"]', "[5]"),
  origin: [
    ...NO_STRINGS,
    ...all("invalid_field", '""', '"example.com"', '"ftp://a"', '"http://u:p@a"', '"http://a?b"'),
  ],
  method: [...NO_STRINGS, ...all("invalid_field", '""', '"get"', '"GET POST"')],
  path: [...NO_STRINGS, ...all("invalid_field", '""', '"v1"', '"/a?b"', '"/a#b"')],
  cents: integer(0, 999_999_999_999),
  currency: [
    ...NO_STRINGS,
    ...all("invalid_field", ...quoted("", "us", "USD", "usdx", "u1d", "é")),
  ],
  rollover: [
    ...all("invalid_field", "5", "[]", '"x"', "true", '{"max":1,"periods":1,"periods":1}'),
    ...all("missing_field", "{}", '{"max":1}', '{"periods":1}', '{"max":1,"periods":null}'),
    ...all("invalid_amount", '{"max":-1,"periods":1}', '{"max":"1","periods":1}'),
    ...all("invalid_amount", '{"max":null,"periods":1}'),
    ...integer(1, 120).map(([text, code]): Bad => [`{"max":1,"periods":${text}}`, code]),
    ...all("unknown_field", '{"max":1,"periods":1,"maximum":1}'),
  ],
  "rate limit": [
    ...all("invalid_field", "5", "[]", '"x"', "true"),
    ...all("missing_field", "{}", '{"requests":1}', '{"window_seconds":1}'),
    ...integer(1, 1_000_000).map(
      ([text, code]): Bad => [`{"window_seconds":1,"requests":${text}}`, code],
    ),
    ...integer(1, 86_400).map(
      ([text, code]): Bad => [`{"requests":1,"window_seconds":${text}}`, code],
    ),
    ...all("unknown_field", '{"requests":1,"window_seconds":1,"window":1}'),
  ],
  purchases: integer(0, 100),
  settings: [...all("invalid_field", "5", "[]", '"x"'), ...NO_SETTINGS],
  "credit name": [
    ...NO_STRINGS,
    ...all("invalid_field", ...quoted("", "x".repeat(65), "é".repeat(33), "a\nb", "\u0000")),
  ],
  "webhook url": [
    ...NO_STRINGS,
    ...all(
      "invalid_field",
      ...quoted("", "example.com", "ftp://a", "http://example.com", "https://"),
    ),
    ...all(
      "invalid_field",
      ...quoted("https://u:p@a", "https://a#b", "https://a b", "https://é.com"),
    ),
    ...all("invalid_field", ...quoted("http://localhost.a", "http://localhost@a", "https://a:b/")),
    ...all("invalid_field", ...quoted(`https://a/${"x".repeat(2039)}`)),
  ],
  "spend limits": [
    ...all("invalid_field", "5", "{}", '"x"', "[5]", "[[]]", "[null]"),
    ...all("missing_field", "[{}]", '[{"per":"day"}]', '[{"amount":1}]'),
    ...all("invalid_field", '[{"per":"month","amount":1}]', '[{"per":1,"amount":1}]'),
    ...all("invalid_amount", '[{"per":"day","amount":-1}]', '[{"per":"day","amount":"1"}]'),
    ...all("invalid_amount", '[{"per":"day","amount":0.0000001}]'),
    ...all("invalid_field", '[{"per":"day","amount":1,"feature":""}]'),
    ...all("unknown_field", '[{"per":"day","amount":1,"limit":1}]'),
    ...all("invalid_field", '[{"per":"day","amount":1},{"per":"day","amount":2}]'),
    [JSON.stringify(Array.from({ length: 21 }, (_, n) => limitOf(`f${n}`))), "invalid_field"],
  ],
} satisfies Record<string, Bad[]>;

export type Kind = keyof typeof KINDS;

/** Values that a query parameter does not take. */
export const PARAMETERS: Record<string, string[]> = {
  limit: ["", "0", "101", "-1", "+5", "1.5", "1e1", "x", "99999999999999999999"],
  offset: ["", "-1", "+5", "1.5", "x", "9007199254740992", "99999999999999999999"],
  cursor: ["!", "-1", "a%20b", "9".repeat(40), "%C3%A9", "%ff"],
  type: ["", "x", "TOPUP", "topup'--", "hold"],
  customer_id: ["", "x".repeat(257), "%00", "a%0Ab", "%C2%85", "%ff", "%zz"],
  from: ["", "x", "2026-02-30", "2026-3-1", "1772323200", "2026-02-30T00:00:00Z"],
  to: ["", "x", "2026-02-30", "2026-3-1", "1772323200", "2026-02-30T00:00:00Z"],
  period: ["", "x", "LAST_7_DAYS", "last_8_days", "month"],
  group_by: ["", "x", "DAY", "month"],
  days: ["", "0", "366", "-1", "+5", "1.5", "1e1", "x", "99999999999999999999"],
  include: ["", "x", "BREAKDOWN"],
  consistency: ["", "x", "weak"],
  startDate: ["", "x", "2026-3-1", "2026-02-30", "1772323200", "2026-03-01T00:00"],
  endDate: ["", "x", "2026-3-1", "2026-02-30", "1772323200", "2026-03-01T00:00"],
};

/** Path segments that are no customer's id. */
export const NO_IDS = [
  "",
  "x".repeat(257),
  "%C3%A9".repeat(129),
  ...["%00", "a%0Ab", "%7F", "%C2%85", "%1f", "%ff", "%zz", "%", "%e2%82"],
];

/** Texts that are not one JSON object, whatever the route. */
export const NO_JSON: (string | Uint8Array)[] = [
  ...["{", "nul", "nan", "{'a':1}", '{"a":1} x', '{"a":1,}', '{"a":01}', '{"a":+1}', '{"a":.5}'],
  ...['{"a":1.}', '{"a":NaN}', '{"a":1}{"a":1}', "\u0000", "\ufeff{}", " "],
  `${"[".repeat(200)}${"]".repeat(200)}x`,
  Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  Uint8Array.from([0xc3]),
];
