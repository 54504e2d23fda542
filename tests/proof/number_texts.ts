// Texts where a number is wanted: those that go wrong elsewhere, and random ones.

/** What somebody has fallen over. */
export const KNOWN = [
  ...["0", "-0", "0.0", "-0.000000", "0e999999999999", "1", "-1", "0.000001", "-0.000001"],
  ...["1e-6", "1e-7", "10e-7", "1.0e-6", "0.1e-5", "0.0000010", "0.00000100000", "1E2", "1e+2"],
  ...[
    "9007199254740992",
    "9007199254740993",
    "9007199254.740992",
    "9007199254.740993",
    "4503599627370497",
  ],
  ...["9000000000", "9000000000.0", "9e9", "9000000000.000001", "8999999999.999999", "-9000000000"],
  ...["1e400", "-1e400", "1e-400", "1e9999999999999999999999", "1e-9999999999999999999999"],
  ...["0.1", "0.2", "0.3", "0.30000000000000004", "1.1", "2.675", "123456789.123456"],
  `0.${"1".repeat(200)}`,
  `1.${"0".repeat(200)}`,
  `1.${"0".repeat(199)}1`,
  "9".repeat(200),
  `${"9".repeat(200)}e-200`,
  `0.${"0".repeat(200)}5e201`,
  `1${"0".repeat(300)}e-300`,
  ...['"1"', '"1e3"', '""', '"NaN"', "null", "true", "false", "[]", "[1]", "{}", '{"amount":1}'],
  ...[
    "NaN",
    "Infinity",
    "-Infinity",
    "undefined",
    "01",
    "-01",
    "+1",
    ".5",
    "1.",
    "1e",
    "0x10",
    "1_000",
  ],
  ...["1,5", "--1", "1n", "\u0661", "\uff11", "1 2", "-", "1e1.5", "1d"],
];

export function randomText(random: () => number): string {
  const below = (end: number): number => Math.floor(random() * end);
  const digits = (most: number): string =>
    Array.from({ length: 1 + below(most) }, () => below(10)).join("");
  const whole = ["0", digits(3), digits(10), digits(12)][below(4)] ?? "";
  const fraction = below(3) === 0 ? "" : `.${digits([2, 6, 7, 30][below(4)] ?? 2)}`;
  const exponent =
    below(3) > 0 ? "" : `e${["", "-", "+"][below(3)]}${below([4, 12, 400][below(3)] ?? 4)}`;
  const zeros = below(6) === 0 && fraction !== "" ? "0".repeat(below(40)) : "";
  return `${below(5) === 0 ? "-" : ""}${whole}${fraction}${zeros}${exponent}`;
}
