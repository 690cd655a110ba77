// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace proximal::run::detail {

// Light and dark as the reader's system says; the curves' colours are told apart without red and green.
inline constexpr std::string_view report_style = R"css(
:root { --bg: #ffffff; --card: #f6f8fa; --line: #d0d7de; --ink: #1f2328; --faint: #59636e; --grid: #e4e8ec;
  --accent: #0969da; --warn: #9a6700; --c0: #1f6feb; --c1: #c4520a; --c2: #0a7d5e; --c3: #a0447a; --c4: #7d6200;
  --c5: #2a85c4; --c6: #5b5b5b; --c7: #7048c6; }
@media (prefers-color-scheme: dark) {
  :root { --bg: #0d1117; --card: #161b22; --line: #30363d; --ink: #e6edf3; --faint: #9198a1; --grid: #262c34;
    --accent: #58a6ff; --warn: #d29922; --c0: #58a6ff; --c1: #f0883e; --c2: #3fb992; --c3: #e07ab8; --c4: #d9b13b;
    --c5: #79c0ff; --c6: #a5a5a5; --c7: #a78bfa; } }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
body { margin: 0 auto; padding: 20px clamp(12px, 3vw, 40px) 60px; max-width: 1500px; background: var(--bg);
  color: var(--ink); font: 14px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
h1 { font-size: 22px; margin: 0 0 2px; overflow-wrap: anywhere; }
h2 { font-size: 16px; margin: 30px 0 10px; }
a { color: var(--accent); }
.faint { color: var(--faint); }
.small { font-size: 12px; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 12px; min-width: 0; }
.tiles { display: grid; gap: 10px; grid-template-columns: repeat(auto-fill, minmax(140px, 1fr)); margin-top: 14px;
  overflow-wrap: anywhere; }
.tiles b { display: block; font-size: 18px; font-weight: 600; overflow-wrap: anywhere; }
.grid { display: grid; gap: 12px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 280px), 1fr)); }
.bar { position: sticky; top: 0; z-index: 2; display: flex; flex-wrap: wrap; gap: 6px 18px; align-items: center;
  background: var(--bg); padding: 8px 0; border-bottom: 1px solid var(--line); margin-bottom: 12px; }
.bar label { display: flex; gap: 6px; align-items: center; }
input, select, button { font: inherit; color: var(--ink); background: var(--card); border: 1px solid var(--line);
  border-radius: 6px; padding: 4px 8px; max-width: 100%; min-width: 0; }
input[type=range] { padding: 0; width: 110px; accent-color: var(--accent); }
input[type=checkbox] { accent-color: var(--accent); }
button { cursor: pointer; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.head { font-size: 13px; display: flex; justify-content: space-between; gap: 8px; font-weight: 600;
  overflow-wrap: anywhere; }
.head span:last-child { white-space: nowrap; font-variant-numeric: tabular-nums; }
.about { min-height: 18px; }
.read { min-height: 18px; font-variant-numeric: tabular-nums; }
.key { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 5px; background: var(--c); }
.names { display: flex; flex-wrap: wrap; gap: 4px 16px; }
svg { display: block; width: 100%; overflow: visible; touch-action: pan-y; }
svg text { fill: var(--faint); font-size: 11px; font-variant-numeric: tabular-nums; }
.gridline { stroke: var(--grid); }
.axis { stroke: var(--line); }
.raw, .smooth { fill: none; stroke: var(--c); stroke-linejoin: round; stroke-linecap: round; }
.raw { stroke-width: 1; opacity: .35; }
.smooth { stroke-width: 2; }
.band { fill: var(--c); opacity: .18; stroke: none; }
.dot { fill: var(--c); }
.s0 { --c: var(--c0); } .s1 { --c: var(--c1); } .s2 { --c: var(--c2); } .s3 { --c: var(--c3); }
.s4 { --c: var(--c4); } .s5 { --c: var(--c5); } .s6 { --c: var(--c6); } .s7 { --c: var(--c7); }
.finding { border-left: 4px solid var(--warn); margin-bottom: 8px; }
.phases { display: flex; height: 22px; border-radius: 6px; overflow: hidden; margin: 4px 0 6px; gap: 2px; }
.phases div { background: var(--c); min-width: 2px; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: 5px 10px 5px 0; border-bottom: 1px solid var(--line); }
th { white-space: nowrap; }
th button { all: unset; cursor: pointer; font-weight: 600; }
th button:focus-visible { outline: 2px solid var(--accent); }
td.text { white-space: pre-wrap; overflow-wrap: anywhere; min-width: 180px; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.config { overflow-wrap: anywhere; min-width: 90px; }
#config table { width: auto; min-width: min(100%, 560px); }
tr.differs td { font-weight: 600; }
mark { background: var(--warn); color: var(--bg); border-radius: 2px; }
@media (max-width: 640px) {  /* a row is a card; its headings stay, to sort by */
  .rows thead tr { display: flex; flex-wrap: wrap; gap: 0 16px; }
  .rows th { border: 0; }
  .rows tbody tr { display: block; border-bottom: 1px solid var(--line); padding: 6px 0; }
  .rows td { display: block; border: 0; padding: 1px 0; }
  .rows td.number { text-align: left; }
  .rows td::before { content: attr(data-name) " "; color: var(--faint); font-size: 12px; }
}
.sample { margin-bottom: 10px; }
.sample p { margin: 2px 0 6px; white-space: pre-wrap; overflow-wrap: anywhere; }
.two { display: grid; gap: 10px; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); }
)css";

// What both pages need: elements made of text (never of markup), numbers as a reader likes them.
inline constexpr std::string_view report_basics = R"js("use strict";
const data = JSON.parse(document.getElementById("data").textContent);
function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes || {})) {
    if (name === "on") for (const [event, f] of Object.entries(value)) element.addEventListener(event, f);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  for (const child of children.flat()) if (child !== null && child !== undefined) element.append(child);
  return element;
}
const make = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
const draw = (tag, attributes, ...children) =>
  fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
function short(value) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size >= 1e9 || (size > 0 && size < 1e-4)) return value.toExponential(2);
  if (size >= 1e6) return +(value / 1e6).toPrecision(4) + "M";
  if (size >= 1e4) return +(value / 1e3).toPrecision(4) + "k";
  return String(+value.toPrecision(4));
}
)js";

inline constexpr std::string_view report_script = R"js(
const colour = (i) => "s" + (i % 8);
const state = { smoothing: 0.6, outliers: true, filter: "" };

function smoothed(values, weight) {  // an exponential moving average, corrected for its start; gaps stay gaps
  let last = 0, left = 1;
  return values.map((v) => {
    if (v === null) return null;
    last = last * weight + (1 - weight) * v;
    left *= weight;
    return last / (1 - left);
  });
}
function ticks(low, high, count) {
  const raw = (high - low) / count, power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 2.5, 5, 10].find((m) => m * power >= raw * 0.999);
  const list = [];
  for (let i = Math.ceil(low / step - 1e-9); i <= Math.floor(high / step + 1e-9); ++i) list.push(i * step);
  return [list, step];
}
function label(value, step, largest) {
  if (value === 0) return "0";
  if (largest >= 1e6) return +(value / 1e6).toFixed(Math.max(0, Math.ceil(6 - Math.log10(step)))) + "M";
  if (largest >= 1e4) return +(value / 1e3).toFixed(Math.max(0, Math.ceil(3 - Math.log10(step)))) + "k";
  if (largest < 1e-3) return (+value.toExponential(3)).toExponential().replace("e-", "e−");
  return String(+value.toFixed(Math.max(0, Math.min(8, Math.ceil(1 - Math.log10(step))))));
}
function path(xs, ys, x, y) {
  let text = "", open = false;
  for (let i = 0; i < xs.length; ++i) {
    if (ys[i] === null) { open = false; continue; }
    text += (open ? "L" : "M") + x(xs[i]).toFixed(1) + " " + y(ys[i]).toFixed(1);
    if (!open && (i + 1 === xs.length || ys[i + 1] === null)) text += "h.01";  // a point alone
    open = true;
  }
  return text;
}
function bands(series, x, y) {
  const parts = [];
  let at = [];
  const close = () => {
    if (at.length > 1)
      parts.push("M" + at.map((i) => x(series.x[i]).toFixed(1) + " " + y(series.hi[i]).toFixed(1)).join("L") + "L" +
        at.reverse().map((i) => x(series.x[i]).toFixed(1) + " " + y(series.lo[i]).toFixed(1)).join("L") + "Z");
    at = [];
  };
  series.x.forEach((_, i) => { if (series.lo[i] === null || series.hi[i] === null) close(); else at.push(i); });
  close();
  return parts.join("");
}
function extent(all) {
  let sorted = Float64Array.from(all).sort();
  if (!sorted.length) return null;
  const cut = state.outliers ? 0 : Math.floor(sorted.length * 0.02);
  let low = sorted[cut], high = sorted[sorted.length - 1 - cut];
  if (low === high) { const pad = Math.abs(low) * 0.05 || 0.5; low -= pad; high += pad; }
  const pad = (high - low) * 0.06;
  return [low - pad, high + pad];
}
function nearest(xs, value) {
  let low = 0, high = xs.length - 1;
  while (high - low > 1) { const mid = (low + high) >> 1; if (xs[mid] < value) low = mid; else high = mid; }
  return Math.abs(xs[low] - value) <= Math.abs(xs[high] - value) ? low : high;
}
function lastOf(values) {
  for (let i = values.length - 1; i >= 0; --i) if (values[i] !== null) return values[i];
  return null;
}

const breakable = (name) => name.split(/(?<=[/_])/).flatMap((part, i) => i ? [make("wbr"), part] : [part]);

function metricCard(metric) {
  const value = make("span", { title: "last value" });
  const read = make("div", { class: "read small faint" }), frame = make("div");
  const card = make("div", { class: "card" },
    make("div", { class: "head" }, make("span", {}, breakable(metric.name)), value),
    make("div", { class: "about small faint" }, metric.about), frame, read);
  const present = metric.series.map((s, i) => ({ s, i })).filter((e) => e.s);
  const redraw = () => {
    const width = frame.clientWidth;
    if (!width) return;
    const height = 150, bottom = 18, top = 6;
    const weight = (s) => s.y.length < 12 ? 0 : state.smoothing;  // a few points are seen as they are
    const lines = present.map(({ s, i }) => ({ s, i, smooth: smoothed(s.y, weight(s)) }));
    const ys = lines.flatMap(({ s }) => s.y.concat(s.lo || [], s.hi || []).filter((v) => v !== null));
    const range = extent(ys);
    value.textContent = lines.length === 1 ? short(lastOf(lines[0].s.y)) : "";
    if (!range) { frame.replaceChildren(make("p", { class: "faint small" }, "no number was logged")); return; }
    const xs = lines.flatMap(({ s }) => [s.x[0], s.x[s.x.length - 1]]);
    let x0 = Math.min(...xs), x1 = Math.max(...xs);
    if (x0 === x1) { x0 -= 1; x1 += 1; }
    const [yTicks, yStep] = ticks(range[0], range[1], 5);
    const largest = Math.max(Math.abs(yTicks[0] || 0), Math.abs(yTicks[yTicks.length - 1] || 0));
    const names = yTicks.map((t) => label(t, yStep, largest));
    const left = Math.max(...names.map((n) => n.length), 2) * 6.6 + 8, right = 14;
    const x = (v) => left + (v - x0) / (x1 - x0) * (width - left - right);
    const y = (v) => top + (range[1] - v) / (range[1] - range[0]) * (height - top - bottom);
    const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img",
      "aria-label": `${metric.name} over ${data.x}s, last ${short(lastOf(lines[0].s.y))}` });
    yTicks.forEach((t, k) => svg.append(
      draw("line", { class: "gridline", x1: left, x2: width - right, y1: y(t), y2: y(t) }),
      draw("text", { x: left - 5, y: y(t) + 4, "text-anchor": "end" }, names[k])));
    const [xTicks, xStep] = ticks(x0, x1, Math.max(4, Math.floor((width - left) / 70)));
    xTicks.forEach((t) => svg.append(
      draw("text", { x: x(t), y: height - 3, "text-anchor": "middle" }, label(t, xStep, Math.abs(x1)))));
    svg.append(draw("line", { class: "axis", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }));
    const clip = "clip" + (metricCard.count = (metricCard.count || 0) + 1);
    svg.append(draw("clipPath", { id: clip }, draw("rect", { x: left - 2, y: top - 3, width: width - left - right + 4,
      height: height - top - bottom + 6 })));
    const inside = draw("g", { "clip-path": `url(#${clip})` });
    for (const { s, i, smooth } of lines) {
      if (s.lo) inside.append(draw("path", { class: "band " + colour(i), d: bands(s, x, y) }));
      if (weight(s) > 0) inside.append(draw("path", { class: "raw " + colour(i), d: path(s.x, s.y, x, y) }));
      inside.append(draw("path", { class: "smooth " + colour(i), d: path(s.x, smooth, x, y) }));
    }
    const cross = draw("g", {});
    svg.append(inside, cross);
    const leave = () => { cross.replaceChildren(); read.replaceChildren(); };
    const point = (event) => {
      const box = svg.getBoundingClientRect();
      const at = x0 + ((event.clientX - box.left) * width / box.width - left) / (width - left - right) * (x1 - x0);
      leave();
      lines.forEach(({ s, i, smooth }, k) => {
        const n = nearest(s.x, at);
        if (k === 0) {
          cross.append(draw("line", { class: "axis", x1: x(s.x[n]), x2: x(s.x[n]), y1: top, y2: height - bottom }));
          read.append(`${data.x} ${short(s.x[n])}: `);
        }
        if (smooth[n] !== null)
          cross.append(draw("circle", { class: "dot " + colour(i), cx: x(s.x[n]), cy: y(smooth[n]), r: 3 }));
        read.append(lines.length > 1 ? make("span", { class: "key " + colour(i) }) : "", short(s.y[n]),
          weight(s) > 0 ? ` (smoothed ${short(smooth[n])})  ` : "  ");
      });
    };
    svg.addEventListener("pointermove", point);
    svg.addEventListener("pointerdown", point);
    svg.addEventListener("pointerleave", leave);
    frame.replaceChildren(svg);
  };
  return { card, redraw, name: metric.name };
}

const cards = [];
for (const [id, wanted] of [["trl", true], ["other", false]]) {
  const metrics = data.metrics.filter((m) => m.trl === wanted);
  for (const metric of metrics) {
    const card = metricCard(metric);
    cards.push(card);
    document.getElementById(id).append(card.card);
  }
  if (!metrics.length) document.getElementById(id + "-section").hidden = true;
}
let pending = false;
function redraw() {
  if (pending) return;
  pending = true;
  requestAnimationFrame(() => {
    pending = false;
    for (const card of cards) {
      card.card.hidden = !card.name.toLowerCase().includes(state.filter);
      card.redraw();
    }
  });
}
let width = 0;
new ResizeObserver(() => {  // of the width alone: a readout that grows must not take the curve away below the pointer
  if (width !== document.body.clientWidth) redraw();
  width = document.body.clientWidth;
}).observe(document.body);
const byId = (id) => document.getElementById(id);
if (Math.max(...data.metrics.flatMap((m) => m.series).map((s) => s ? s.y.length : 0)) > 300) {  // else a thick band
  state.smoothing = 0.95;
  byId("smoothing").value = state.smoothing;
  byId("smoothing-value").textContent = state.smoothing.toFixed(2);
}
byId("smoothing").addEventListener("input", (e) => {
  state.smoothing = +e.target.value;
  byId("smoothing-value").textContent = state.smoothing.toFixed(2);
  redraw();
});
byId("outliers").addEventListener("change", (e) => { state.outliers = !e.target.checked; redraw(); });
byId("filter").addEventListener("input", (e) => { state.filter = e.target.value.toLowerCase(); redraw(); });
if (data.groups.length > 1 || data.groups[0].runs.length > 1)
  byId("names").append(...data.groups.map((g, i) => make("span", {},
    make("span", { class: "key " + colour(i) }), g.name,
    make("span", { class: "faint" }, g.runs.length > 1 ? ` (${g.runs.length} runs, ± 1 sd)` : ""))));

const many = data.runs.length > 1;
byId("findings").append(...(data.findings.length ? data.findings.map((f) => make("div", { class: "card finding" },
  make("div", { class: "small faint" }, `${many ? f.run + ", " : ""}update ${f.update}, ${f.kind}`), f.sentence))
  : [make("p", { class: "faint" }, data.watched ? "The doctor found nothing wrong." : "No doctor watched this run.")]));

function clock(seconds) {
  const s = Math.round(seconds);
  if (seconds < 10) return seconds.toPrecision(2) + " s";
  if (s < 60) return s + " s";
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
}
for (const run of data.phases) {
  const total = run.parts.reduce((sum, p) => sum + p.seconds, 0);
  byId("phases").append(make("div", { class: "card", style: "margin-bottom:8px" },
    make("div", {}, `${many ? run.name + ": " : ""}${clock(total)} in ${run.updates} updates, ` +
      `${clock(total / run.updates)} each`),
    make("div", { class: "phases" }, run.parts.map((p, i) =>
      make("div", { class: colour(i), style: `flex:${p.seconds} 0 0`, title: `${p.name} ${clock(p.seconds)}` }))),
    make("div", { class: "names small" }, run.parts.map((p, i) => make("span", {},
      make("span", { class: "key " + colour(i) }),
      `${p.name} ${clock(p.seconds)} (${(100 * p.seconds / total).toFixed(0)} %)`)))));
}
if (!data.phases.length) byId("phases-section").hidden = true;

if (data.samples.length) {
  const steps = data.samples;
  const picked = make("span", { class: "faint" }), list = make("div", { class: "two" });
  const slide = make("input", { type: "range", min: 0, max: steps.length - 1, value: steps.length - 1, id: "step",
    "aria-label": "table of samples" });
  const show = () => {
    const table = steps[+slide.value];
    picked.textContent = `${many ? table.run + ", " : ""}after update ${table.update} ` +
      `(table ${+slide.value + 1} of ${steps.length})`;
    list.replaceChildren(...table.rows.map((row) => make("div", { class: "card sample" },
      make("div", { class: "small faint" }, "query"), make("p", {}, row.query ?? ""),
      make("div", { class: "small faint" }, "response"), make("p", {}, row.response ?? ""),
      make("div", { class: "small" }, Object.entries(row).filter(([k]) => !["query", "response"].includes(k))
        .map(([k, v]) => `${k} ${typeof v === "number" ? short(v) : v === null ? "–" : v}`).join("   ")))));
  };
  slide.addEventListener("input", show);
  show();
  byId("samples").append(make("div", { class: "bar", style: "position:static" }, slide, picked,
    data.page ? make("a", { href: data.page }, "search, sort and compare all") : null), list);
} else byId("samples-section").hidden = true;

byId("config").append(make("table", {},
  many ? make("tr", {}, make("th", {}, ""), data.config.columns.map((c) => make("th", {}, c))) : null,
  data.config.rows.map((row) => make("tr", { class: row.differs ? "differs" : null }, make("td", {}, row.key),
    row.values.map((v) => make("td", { class: "config" }, v))))));
if (!data.config.rows.length) byId("config-section").hidden = true;
)js";

}  // namespace proximal::run::detail
