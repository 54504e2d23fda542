// Draws measurements as SVG: panels side by side over the same logarithmic axis. Readable in
// light and in dark, by the reader's own setting.

const PANEL = { width: 360, height: 240 };
const MARGIN = { left: 62, right: 18, top: 34, bottom: 46 };
const TICKS = 4;

const STYLE = `
    text { font: 12px system-ui, sans-serif; fill: #57606a; }
    .title { font-weight: 600; fill: #24292f; }
    .grid { stroke: #d0d7de; stroke-width: 1; }
    .line { fill: none; stroke: #0969da; stroke-width: 2; }
    .dot { fill: #0969da; }
    @media (prefers-color-scheme: dark) {
      text { fill: #8b949e; }
      .title { fill: #e6edf3; }
      .grid { stroke: #30363d; }
      .line { stroke: #58a6ff; }
      .dot { fill: #58a6ff; }
    }`;

/**
 * @typedef {object} Panel
 * @property {string} label of the vertical axis, with its unit
 * @property {{ x: number, y: number }[]} points by growing x
 */

/**
 * @param {string} title
 * @param {string} xLabel
 * @param {Panel[]} panels
 */
export function plot(title, xLabel, panels) {
  const width = panels.length * PANEL.width;
  const drawn = panels.map((panel, index) => drawPanel(panel, index * PANEL.width, xLabel));
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${PANEL.height}" width="${width}" height="${PANEL.height}" role="img">
  <title>${escaped(title)}</title>
  <style>${STYLE}
  </style>
${drawn.join("\n")}
</svg>
`;
}

/**
 * @param {Panel} panel
 * @param {number} offset
 * @param {string} xLabel
 */
function drawPanel({ label, points }, offset, xLabel) {
  const left = offset + MARGIN.left;
  const right = offset + PANEL.width - MARGIN.right;
  const bottom = PANEL.height - MARGIN.bottom;
  const { top } = MARGIN;
  const [first, last] = [points[0]?.x ?? 1, points.at(-1)?.x ?? 1];
  const span = Math.log(last / first) || 1;
  const step = niceStep(Math.max(...points.map(({ y }) => y)) / TICKS);
  const highest = step * Math.ceil(Math.max(...points.map(({ y }) => y)) / step);
  const across = (/** @type {number} */ x) =>
    round(left + (Math.log(x / first) / span) * (right - left));
  const up = (/** @type {number} */ y) => round(bottom - (y / highest) * (bottom - top));

  const lines = [`  <text class="title" x="${left}" y="18">${escaped(label)}</text>`];
  for (let y = 0; y <= highest * 1.001; y += step) {
    lines.push(
      `  <line class="grid" x1="${left}" x2="${right}" y1="${up(y)}" y2="${up(y)}"/>`,
      `  <text x="${left - 8}" y="${up(y) + 4}" text-anchor="end">${brief(y)}</text>`,
    );
  }
  // Labels that would run into each other are left out.
  let free = Number.NEGATIVE_INFINITY;
  for (const { x } of points) {
    const [at, text] = [across(x), brief(x)];
    if (at - text.length * 4 < free) continue;
    free = at + text.length * 4 + 6;
    lines.push(`  <text x="${at}" y="${bottom + 18}" text-anchor="middle">${text}</text>`);
  }
  const middle = (left + right) / 2;
  lines.push(
    `  <text x="${middle}" y="${bottom + 38}" text-anchor="middle">${escaped(xLabel)}</text>`,
    `  <polyline class="line" points="${points.map(({ x, y }) => `${across(x)},${up(y)}`).join(" ")}"/>`,
    ...points.map(({ x, y }) => `  <circle class="dot" cx="${across(x)}" cy="${up(y)}" r="3"/>`),
  );
  return lines.join("\n");
}

/**
 * 1, 2 or 5 times a power of ten.
 * @param {number} least
 */
function niceStep(least) {
  const power = 10 ** Math.floor(Math.log10(least));
  return power * ([1, 2, 5].find((times) => times * power >= least) ?? 10);
}

/** @param {number} value */
function brief(value) {
  if (value >= 1e6) return `${+(value / 1e6).toFixed(1)}M`;
  if (value >= 1e3) return `${+(value / 1e3).toFixed(1)}k`;
  return `${+value.toFixed(2)}`;
}

/** @param {number} value */
function round(value) {
  return Math.round(value * 10) / 10;
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
