// Copies the few built files the pages need from node_modules to bankcrm/static/vendor (git-ignored), and bundles the part of
// ECharts that bankcrm/charts draws with. Run by `make assets`.
import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const from = (path) => new URL(`node_modules/${path}`, import.meta.url);
const to = (path) => new URL(`bankcrm/static/vendor/${path}`, import.meta.url);

// Every icon a page may name; https://tabler.io/icons shows them.
const ICONS = `
  adjustments alert-triangle archive arrow-back-up arrow-down arrow-down-left arrow-left arrow-right arrow-up arrow-up-right
  arrows-exchange arrows-sort award ban beach bell bolt books brain briefcase building building-bank bulb calculator calendar
  calendar-due calendar-event calendar-off cash certificate chart-bar chart-dots chart-histogram chart-line check checklist
  chevron-down chevron-left chevron-right chevron-up circle-check circle-dot circle-x clipboard-list clock coin coins columns
  copy credit-card crown database database-import device-desktop device-mobile diamond dots door download edit equal eraser
  external-link eye eye-off file-import file-spreadsheet file-text filter flag flask folder gauge gift git-branch git-compare
  grip-vertical hand-stop hash heart heart-handshake help hierarchy history home hourglass id inbox info-circle key keyboard
  language layout-grid link list list-check list-details lock lock-open login logout mail mail-off map-pin math-function
  menu-2 message message-off minus moon mood-sad notebook news note pencil phone phone-off pig-money player-pause player-play
  player-skip-forward player-stop plus point presentation printer receipt refresh repeat report report-analytics robot route
  scale school search search-off send server settings shield shield-check shield-lock shopping-cart sitemap sort-ascending
  speakerphone stack star sun switch-horizontal table tag target target-arrow thumb-down thumb-up timeline transfer trash
  trending-down trending-up trophy upload user user-check user-off user-plus user-question user-x users users-group versions
  wallet wifi-off world x zoom-question
`.trim().split(/\s+/);

// Unlayered rules win over layered ones, so the kit needs no specificity fights. The map is not shipped, so its mention goes too.
async function tabler() {
  const css = await readFile(from("@tabler/core/dist/css/tabler.min.css"), "utf8");
  const body = css.replace(/^@charset "UTF-8";/, "").replace(/\/\*# sourceMappingURL=.*?\*\//, "");
  await writeFile(to("tabler.css"), `@charset "UTF-8";@layer tabler{${body}}\n`);
}

// Masks take the colour of the text beside them. One file instead of a request per icon; the CSP allows data: for images.
async function icons() {
  const rules = await Promise.all(ICONS.map(async (name) => {
    const svg = await readFile(from(`@tabler/icons/icons/outline/${name}.svg`), "utf8");
    const small = svg.replace(/<!--[\s\S]*?-->/g, "").replace(/\s+class="[^"]*"/, "").replace(/\s+/g, " ").replace(/> </g, "><").trim();
    const uri = small.replace(/"/g, "'").replace(/[<>#%]/g, encodeURIComponent);
    return `.i-${name}{mask-image:url("data:image/svg+xml,${uri}")}`;
  }));
  await writeFile(to("icons.css"), `${rules.join("\n")}\n`);
}

// Only what the charts use: a third of the whole. A chart of another kind needs its name here. Fetched by charts.js on pages with charts.
const ENGINE = `
import { init, use } from "echarts/core";
import { BarChart, CustomChart, LineChart, SankeyChart, ScatterChart } from "echarts/charts";
import { DatasetComponent, GridComponent, MarkLineComponent, TooltipComponent } from "echarts/components";
import { LabelLayout } from "echarts/features";
import { CanvasRenderer } from "echarts/renderers";
use([BarChart, CustomChart, LineChart, SankeyChart, ScatterChart, DatasetComponent, GridComponent, MarkLineComponent, TooltipComponent, LabelLayout, CanvasRenderer]);
export { init };
`;

async function engine() {
  const outfile = fileURLToPath(to("echarts.js"));
  const stdin = { contents: ENGINE, resolveDir: fileURLToPath(new URL(".", import.meta.url)) };
  await build({ stdin, outfile, bundle: true, minify: true, format: "esm", target: "es2022", legalComments: "none" });
  return gzipSync(await readFile(outfile), { level: 9 }).length;
}

await rm(to(""), { recursive: true, force: true });
await mkdir(to(""), { recursive: true });
await cp(from("htmx.org/dist/htmx.min.js"), to("htmx.min.js"));
for (const script of ["latin", "latin-ext"]) {
  await cp(from(`@fontsource-variable/inter/files/inter-${script}-wght-normal.woff2`), to(`inter-${script}.woff2`));
}
const [gzipped] = await Promise.all([engine(), tabler(), icons()]);
console.log(`bankcrm/static/vendor: htmx, tabler, Inter, ${ICONS.length} icons and ECharts (${Math.round(gzipped / 1000)} kB compressed)`);
