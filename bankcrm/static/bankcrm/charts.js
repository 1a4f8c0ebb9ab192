// Draws every <figure data-chart>: the option is the server's (bankcrm/charts), the look is the tokens', the words and figures are
// those of the table inside the figure. ECharts is fetched when the first chart comes up. Without it the tables are unfolded.
const drawn = new Map();
let engine;

const ink = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// "--act" anywhere in an option is the token of that name.
function inked(value) {
  if (typeof value === "string") return value.startsWith("--") ? ink(value) : value;
  if (Array.isArray(value)) return value.map(inked);
  if (value?.constructor === Object) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, inked(one)]));
  return value;
}

const small = { color: "--ink3", fontSize: 11, fontFamily: "--font" };

function axis(given) {
  const { labels, first, ...one } = given;
  const label = { ...small, hideOverlap: true };
  if (one.type === "value") {
    // ECharts would count from the end of the axis, which need not be round.
    label.customValues = labels.map((_label, i) => first + i * one.interval);
    label.formatter = (value) => {
      const at = (value - first) / one.interval;
      return Math.abs(at - Math.round(at)) < 1e-6 ? labels[Math.round(at)] ?? "" : "";
    };
  }
  return {
    axisTick: { show: false },
    axisLine: { show: one.type === "category", lineStyle: { color: "--ctl" } },
    axisLabel: label,
    ...one,
    splitLine: { lineStyle: { color: "--line" }, show: false, ...one.splitLine },
  };
}

class Drawing {
  constructor(figure) {
    this.figure = figure;
    this.box = figure.querySelector(".chart-box");
    this.said = figure.querySelector("[aria-live]");
    this.given = JSON.parse(figure.dataset.chart);
    const table = figure.querySelector("table");
    this.headers = [...table.tHead.rows[0].cells].map((cell) => cell.textContent);
    this.rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent));
    this.at = -1;
    this.box.addEventListener("keydown", (event) => this.walk(event));
    this.box.addEventListener("blur", () => this.leave());
  }

  resize() {
    if (!this.box.clientWidth) return;
    if (this.chart) this.chart.resize({ animation: { duration: 0 } });
    else this.chart = engine.init(this.box, null, { renderer: "canvas" });
    this.draw();
  }

  draw() {
    this.narrow = this.box.clientWidth < 480;
    this.chart.setOption(inked(this.option()), { notMerge: true });
    this.figure.dataset.drawn = "";
  }

  option() {
    const { xAxis, yAxis, series, ...rest } = this.given;
    const grid = xAxis && { left: 0, right: 14, top: 14, bottom: 0, outerBoundsMode: "same", outerBoundsContain: "axisLabel" };
    if (grid && series.some((one) => one.endLabel)) grid.right = this.narrow ? 84 : 150;
    const trigger = xAxis && !series.some((one) => one.draw === "squares") ? "axis" : "item";
    return {
      animation: false,
      textStyle: { fontFamily: "--font", color: "--ink2" },
      tooltip: {
        trigger, confine: true, className: "chart-tip", transitionDuration: 0, backgroundColor: "--card", borderColor: "--line", borderWidth: 1,
        padding: [6, 10], extraCssText: "box-shadow:none", textStyle: { color: "--ink", fontSize: 12, fontFamily: "--font" },
        axisPointer: { type: "line", lineStyle: { color: "--edge", type: "dashed" } },
        formatter: (found) => this.tip(Array.isArray(found) ? found[0] : found),
      },
      ...(xAxis && { grid, xAxis: axis(xAxis), yAxis: axis(yAxis) }),
      ...rest,
      series: series.map((one) => this.series(one)),
    };
  }

  series(given) {
    const { draw, label_column: column, inks, edges, ...one } = given;
    if (draw) return this[draw](one);
    if (column) one.label = { show: true, position: "top", ...small, color: "--ink", fontWeight: 600, formatter: ({ dataIndex }) => this.rows[dataIndex][column] };
    if (inks) one.itemStyle = { ...one.itemStyle, color: ({ dataIndex }) => ink(inks[dataIndex]) };
    if (one.type === "scatter") one.itemStyle = { opacity: 1, ...one.itemStyle };
    // A scatter's border takes no function, so each edge is a point of its own.
    if (edges) Object.assign(one, this.edged(one, edges));
    if (one.markLine) one.markLine = { ...one.markLine, label: { ...small, color: "--ink2" }, emphasis: { disabled: true } };
    if (one.endLabel) one.endLabel = { ...small, ...one.endLabel, width: this.narrow ? 76 : 140, overflow: "truncate", distance: 6 };
    if (one.endLabel) one.labelLayout = { moveOverlap: "shiftY" };
    return one;
  }

  edged({ encode, itemStyle }, edges) {
    const source = this.given.dataset.source;
    const data = source.map((row, i) => ({ value: [row[encode.x], row[encode.y]], itemStyle: { ...itemStyle, borderColor: edges[i] } }));
    return { data, encode: undefined, itemStyle: undefined };
  }

  // An interval as a line with two caps, beside its place by `shift` pixels.
  whisker({ columns: [place, low, high], shift = 0, down, ink: colour, ...one }) {
    const source = this.given.dataset.source;
    const at = (api, along, value) => (down ? api.coord([value, along]) : api.coord([along, value]));
    return { ...one, silent: true, renderItem: ({ dataIndex }, api) => {
      const row = source[dataIndex];
      if (row[low] === null || row[high] === null) return undefined;
      const ends = [at(api, row[place], row[low]), at(api, row[place], row[high])];
      for (const end of ends) end[down ? 1 : 0] += shift;
      const bar = (from, to) => ({ type: "line", shape: { x1: from[0], y1: from[1], x2: to[0], y2: to[1] }, style: { stroke: ink(colour), lineWidth: 2 } });
      const cap = ([x, y]) => (down ? bar([x, y - 3], [x, y + 3]) : bar([x - 3, y], [x + 3, y]));
      return { type: "group", children: [bar(...ends), ...ends.map(cap)] };
    } };
  }

  // The band between two columns, one polygon drawn with the first row.
  band({ columns: [place, low, high], ink: colour, ...one }) {
    const known = this.given.dataset.source.filter((row) => row[low] !== null && row[high] !== null);
    return { ...one, z: 1, renderItem: ({ dataIndexInside }, api) => {
      if (dataIndexInside) return undefined;
      const edge = (column) => known.map((row) => api.coord([row[place], row[column]]));
      return { type: "polygon", shape: { points: [...edge(high), ...edge(low).reverse()] }, style: { fill: ink(colour), opacity: 0.13 } };
    } };
  }

  // A grid of cells, with their texts where there is room.
  squares({ data, written, ...one }) {
    const renderItem = ({ dataIndex }, api) => {
      const { value, cell, ink: colour, opacity } = data[dataIndex];
      const [x, y] = api.coord(value), [width, height] = api.size([1, 1]);
      const shape = { x: x - width / 2 + 1, y: y - height / 2 + 1, width: width - 2, height: height - 2, r: 2 };
      const square = { type: "rect", shape, style: { fill: ink(colour), opacity } };
      if (!written || this.narrow) return square;
      const words = { text: this.rows[cell[0]][cell[1]], x, y, align: "center", verticalAlign: "middle", fill: ink("--ink"), font: `11px ${ink("--font")}` };
      return { type: "group", children: [square, { type: "text", style: words, silent: true }] };
    };
    return { ...one, data, renderItem, encode: { x: 0, y: 1 } };
  }

  // Sides with their names outside, flows between them.
  flows(one) {
    const side = this.narrow ? 96 : 190;
    const label = { ...small, color: "--ink", width: side - 12, overflow: "truncate", formatter: ({ data }) => data.text };
    return { ...one, left: side, right: side, top: 6, bottom: 6, nodeWidth: 8, nodeGap: 10, layoutIterations: 0, draggable: false, label,
      levels: [{ depth: 0, label: { position: "left" } }, { depth: 1, label: { position: "right" } }],
      itemStyle: { color: "--ink2", borderWidth: 0 }, lineStyle: { curveness: 0.5 }, emphasis: { focus: "adjacency" } };
  }

  lines(found) {
    const { cell, told } = found.data ?? {};
    if (cell) return [`${this.rows[cell[0]][0]} · ${this.headers[cell[1]]}`, this.rows[cell[0]][cell[1]], told].filter(Boolean);
    return told ? [told] : this.line(found.dataIndex);
  }

  line(at) {
    const [first, ...rest] = this.rows[at];
    const head = this.headers[0] ? `${this.headers[0]}: ${first}` : first;
    return [head, ...rest.map((said, i) => (this.headers[i + 1] ? `${this.headers[i + 1]}: ${said}` : said))];
  }

  tip(found) {
    const tip = document.createElement("div");
    for (const [i, said] of this.lines(found).entries()) tip.appendChild(document.createElement(i ? "div" : "b")).textContent = said;
    return tip;
  }

  // Arrow keys go from figure to figure: the tooltip follows, a screen reader hears it.
  walk(event) {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === "Escape") this.leave();
    if (!step || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    const cells = this.given.series.find((one) => one.draw === "squares")?.data ?? this.given.series[0].links ?? this.rows;
    this.at = Math.min(Math.max(this.at + step, 0), cells.length - 1);
    const found = { dataIndex: this.at, data: cells === this.rows ? undefined : cells[this.at] };
    this.said.textContent = this.lines(found).join(", ");
    this.chart?.dispatchAction({ type: "showTip", seriesIndex: this.shown(), dataIndex: this.at, ...(this.given.series[0].links && { dataType: "edge" }) });
  }

  // The first series that has a mark in this row.
  shown() {
    const row = this.given.dataset?.source[this.at];
    const at = this.given.series.findIndex((one) => !one.draw && (!row || row[[one.encode.y].flat()[0]] !== null));
    return Math.max(at, 0);
  }

  leave() {
    this.at = -1;
    this.said.textContent = "";
    this.chart?.dispatchAction({ type: "hideTip" });
  }

  dispose() {
    sizes.unobserve(this.box);
    this.chart?.dispose();
  }
}

const sizes = new ResizeObserver((entries) => {
  for (const { target } of entries) drawn.get(target.closest("figure"))?.resize();
});

function unfold(figures) {
  for (const figure of figures) {
    figure.querySelector(".chart-box").hidden = true;
    figure.querySelector("details").open = true;
  }
}

async function look() {
  for (const [figure, drawing] of drawn) if (!figure.isConnected) { drawing.dispose(); drawn.delete(figure); }
  const fresh = [...document.querySelectorAll("figure[data-chart]:not([data-seen])")];
  if (!fresh.length) return;
  for (const figure of fresh) figure.dataset.seen = "";
  try {
    engine ??= await import(fresh[0].dataset.engine);
    // The canvas does not wait for the font, and would keep the one it was drawn with.
    await document.fonts.ready;
  } catch {
    unfold(fresh);
    return;
  }
  for (const figure of fresh.filter((one) => one.isConnected)) {
    const drawing = new Drawing(figure);
    drawn.set(figure, drawing);
    sizes.observe(drawing.box);
  }
}

const again = () => drawn.forEach((drawing) => drawing.chart && drawing.draw());
for (const asked of ["(prefers-color-scheme: dark)", "(prefers-contrast: more)", "(forced-colors: active)"]) matchMedia(asked).addEventListener("change", again);
document.addEventListener("htmx:afterSettle", look);
look();
