// Bundles src into dist: hashed files, an index without inline script or style, the licences of what is bundled, and manifest.json, which
// names the scripts that load before the first frame plays. The same sources give the same bytes.
import { build } from "esbuild";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const root = dirname(fileURLToPath(import.meta.url));
const dist = join(root, "dist");

// Bytes of gzip that may load before the first frame plays.
const scriptBudget = 60_000;

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });

const common = {
  absWorkingDir: root,
  outdir: "dist/assets",
  bundle: true,
  target: ["chrome111", "firefox115", "safari16.4"],
  minify: true,
  metafile: true,
  legalComments: "none",
  charset: "utf8",
  jsx: "automatic",
  jsxImportSource: "preact",
  entryNames: "[name]-[hash]",
  chunkNames: "[name]-[hash]",
  assetNames: "[name]-[hash]",
  logLevel: "warning",
};
const client = { ...common, entryPoints: { main: "src/main.tsx" }, format: "esm", splitting: true };
const bundled = await build({ ...client, plugins: [together((await build({ ...client, write: false })).metafile.inputs)] });

// together puts all sources that load before the first frame into the same chunks, by having what is fetched later import them: it needs
// most of them. Otherwise there is a chunk for each set of pages that need the same, some thirty for the first frame, whose headers take
// half as much again.
function together(inputs) {
  const first = new Set();
  const visit = (file) => {
    if (first.has(file)) return;
    first.add(file);
    for (const { kind, path } of inputs[file].imports) if (kind === "import-statement") visit(path);
  };
  visit("src/main.tsx");
  visit("src/pages/feed.tsx");
  const isOwn = (file) => file.startsWith("src/") && !file.startsWith("src/locales/");
  const later = Object.values(inputs).flatMap(({ imports }) => imports.filter(({ kind }) => kind === "dynamic-import").map(({ path }) => path));
  const pages = new Set(later.filter(isOwn));
  const shared = [...first].filter((file) => isOwn(file) && file !== "src/main.tsx" && !pages.has(file)).sort();
  const imports = shared.map((file) => `import ${JSON.stringify(join(root, file))};`).join("");
  return {
    name: "together",
    setup({ onLoad }) {
      onLoad({ filter: /\.tsx?$/ }, ({ path }) => {
        if (!pages.has(relative(root, path).replaceAll("\\", "/"))) return undefined;
        return { contents: imports + readFileSync(path, "utf8"), loader: path.endsWith("x") ? "tsx" : "ts", resolveDir: dirname(path) };
      });
    },
  };
}
// It runs before the first paint, so it is a script of its own and no module.
const blocking = await build({ ...common, entryPoints: { early: "src/early.ts" }, format: "iife" });

// The service worker keeps its name: browsers know it by its address. It is no module: not all browsers take one there.
const worker = await build({ ...common, entryPoints: { sw: "src/worker/sw.ts" }, outdir: "dist", entryNames: "[name]", format: "iife" });

const inputs = { ...bundled.metafile.inputs, ...blocking.metafile.inputs, ...worker.metafile.inputs };
const outputs = { ...bundled.metafile.outputs, ...blocking.metafile.outputs, ...worker.metafile.outputs };
const outputOf = (source) => {
  const found = Object.keys(outputs).find((file) => outputs[file].entryPoint === source && file.endsWith(".js"));
  if (!found) throw new Error(`no output of ${source}`);
  return found;
};

// scriptsOf are a file and all that it imports at once, itself first.
function scriptsOf(file, seen = new Set()) {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const imported of outputs[file].imports) if (imported.kind === "import-statement") scriptsOf(imported.path, seen);
  return seen;
}

const address = (file) => "/" + relative("dist", file).replaceAll("\\", "/");
const main = outputOf("src/main.tsx");
const early = outputOf("src/early.ts");
const feed = scriptsOf(outputOf("src/pages/feed.tsx"), scriptsOf(main));
const style = outputs[main].cssBundle;
const locales = ["en", "zh"].map((language) => outputOf(`src/locales/${language}.ts`));

const tags = [
  `<script src="${address(early)}"></script>`,
  `<link rel="stylesheet" href="${address(style)}">`,
  `<script type="module" src="${address(main)}"></script>`,
  ...[...feed].filter((file) => file !== main).map((file) => `<link rel="modulepreload" href="${address(file)}">`),
];
const template = readFileSync(join(root, "src/index.html"), "utf8");
writeFileSync(join(dist, "index.html"), template.replace("<!-- assets -->", tags.join("\n    ")));
cpSync(join(root, "src/static"), dist, { recursive: true });

const gzipped = (file) => gzipSync(readFileSync(join(root, file)), { level: 9 }).length;
const kB = (bytes) => `${(bytes / 1000).toFixed(1)} kB`;
const first = [...feed, early, locales.reduce((a, b) => (gzipped(a) > gzipped(b) ? a : b))];
const firstBytes = first.reduce((sum, file) => sum + gzipped(file), 0);
writeFileSync(join(dist, "manifest.json"), JSON.stringify({ first_frame_scripts: first.map(address) }, null, 2) + "\n");
writeFileSync(join(dist, "licences.txt"), licences());

console.log(`script before the first frame: ${kB(firstBytes)} gzip of ${kB(scriptBudget)}; style ${kB(gzipped(style))}`);
for (const file of Object.keys(outputs).filter((name) => name.endsWith(".js"))) console.log(`  ${address(file)} ${kB(gzipped(file))}`);
if (firstBytes > scriptBudget) {
  console.error(`above the budget of ${scriptBudget} bytes`);
  process.exit(1);
}

// licences are the texts of the packages that went into the bundle.
function licences() {
  const names = new Set();
  for (const input of Object.keys(inputs)) {
    const match = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match) names.add(match[1]);
  }
  const rule = "=".repeat(80);
  return [...names]
    .sort()
    .map((name) => {
      const folder = join(root, "node_modules", name);
      const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
      const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
      let text = file && existsSync(join(folder, file)) ? readFileSync(join(folder, file), "utf8").trim() : "";
      // A package without a file of its own stands under that of its family.
      if (!text) text = `Licence: ${about.license}`;
      return `${rule}\n${name} ${about.version} (${about.license})\n${rule}\n\n${text}\n`;
    })
    .join("\n");
}
